"""The official Python libraries behind one question a line (JSON) and one answer a line.

{"do": "build", "builder": …, "inputs": {…}}           → {"token": "007…"}
{"do": "read", "token": "007…", "certificate": "…"}    → what the library reads, and whether its own signing agrees
"""

import hmac
import json
import sys
import time
from hashlib import sha256

from agora_token_builder import RtcTokenBuilder as RtcTokenBuilder006
from agora_token_builder import RtmTokenBuilder as RtmTokenBuilder006
from agoraiotools.AccessToken2 import AccessToken
from agoraiotools.apaas_token_builder import ApaasTokenBuilder
from agoraiotools.ChatTokenBuilder2 import ChatTokenBuilder
from agoraiotools.education_token_builder import EducationTokenBuilder
from agoraiotools.fpa_token_builder import FpaTokenBuilder
from agoraiotools.RtcTokenBuilder2 import RtcTokenBuilder2
from agoraiotools.RtmTokenBuilder2 import RtmTokenBuilder


def build(builder, i):
    app = (i["app_id"], i["app_cert"])
    if builder == "rtc_uid":
        return RtcTokenBuilder2.build_token_with_uid(
            *app, i["channel"], i["uid"], i["role"], i["token_expire"], i["privilege_expire"]
        )
    if builder == "rtc_account":
        return RtcTokenBuilder2.build_token_with_user_account(
            *app, i["channel"], i["account"], i["role"], i["token_expire"], i["privilege_expire"]
        )
    if builder == "rtc_uid_priv":
        # Its sibling for a uid looks for this function in the wrong class.
        return RtcTokenBuilder2.build_token_with_user_account_and_privilege(
            *app, i["channel"], i["uid"], i["token_expire"],
            i["join_expire"], i["audio_expire"], i["video_expire"], i["data_expire"],
        )
    if builder == "rtm":
        return RtmTokenBuilder.build_token(*app, i["user_id"], i["token_expire"])
    if builder == "chat_user":
        return ChatTokenBuilder.build_user_token(*app, i["user_id"], i["token_expire"])
    if builder == "chat_app":
        return ChatTokenBuilder.build_app_token(*app, i["token_expire"])
    if builder == "edu_user":
        return EducationTokenBuilder.build_user_token(*app, i["user_uuid"], i["token_expire"])
    if builder == "apaas_user":
        return ApaasTokenBuilder.build_user_token(*app, i["user_uuid"], i["token_expire"])
    if builder == "fpa":
        return FpaTokenBuilder.build_token(*app)
    if builder == "rtc006_uid":
        ends = int(time.time()) + i["token_expire"]
        return RtcTokenBuilder006.buildTokenWithUid(*app, i["channel"], i["uid"], i["role"], ends)
    if builder == "rtm006":
        return RtmTokenBuilder006.buildToken(*app, i["user_id"], 1, int(time.time()) + i["token_expire"])
    raise ValueError(builder)


def read(text, certificate):
    """Reads with the library, then lets it sign what it has read: this library has no check of its own."""
    token = AccessToken(app_certificate=certificate)
    token.from_string(text)
    name = "_AccessToken__"
    services = getattr(token, name + "service")
    packed = b"".join(services[kind].pack() for kind in sorted(services))
    # The key that the library would sign with.
    setattr(token, name + "app_cert", certificate.encode())
    key = getattr(token, name + "signing")()
    return {
        "app_id": getattr(token, name + "app_id").decode(),
        "expire": getattr(token, name + "expire"),
        "services": sorted(services),
        "signed_as_the_library_would": signed(text, key, packed),
    }


def signed(text, key, packed):
    """Whether the text carries the signature that this key gives, and the services as the library writes them."""
    import base64
    import zlib

    payload = zlib.decompress(base64.b64decode(text[3:], validate=True))
    length = int.from_bytes(payload[:2], "little")
    signature, message = payload[2 : 2 + length], payload[2 + length :]
    return hmac.new(key, message, sha256).digest() == signature and message.endswith(packed)


def answer(question):
    if question["do"] == "build":
        return {"token": build(question["builder"], question["inputs"])}
    return read(question["token"], question["certificate"])


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))

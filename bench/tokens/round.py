"""One round of the token benchmark with the official Python libraries: round.py LIBRARY build|verify"""

import sys
import time

APP_ID = "1f6a9c04be7d4c52a0b3e8d7795c2f10"
CERTIFICATE = "c0ffee5eed0047aa9b3d61f2e8a4907b"
CHANNEL = "room-42"
DISTINCT = 10_000


def agoraiotools():
    from agoraiotools.AccessToken2 import AccessToken
    from agoraiotools.RtcTokenBuilder2 import Role_Publisher, RtcTokenBuilder2

    def build(uid):
        return RtcTokenBuilder2.build_token_with_uid(
            APP_ID, CERTIFICATE, CHANNEL, uid, Role_Publisher, 3600, 3600
        )

    def read(text):
        # This library reads a token and has no check of its signature.
        return AccessToken().from_string(text)

    return build, read


def agora_token_builder():
    from agora_token_builder import RtcTokenBuilder

    ends = int(time.time()) + 3600
    return (lambda uid: RtcTokenBuilder.buildTokenWithUid(APP_ID, CERTIFICATE, CHANNEL, uid, 1, ends)), None


def per_second(act):
    start = time.perf_counter()
    count = 0
    while time.perf_counter() - start < 1.0:
        for _ in range(16):
            if not act(count):
                raise SystemExit(f"token {count} failed")
            count += 1
    return count / (time.perf_counter() - start)


def main():
    library, what = sys.argv[1:]
    build, read = {"agoraiotools": agoraiotools, "agora-token-builder": agora_token_builder}[library]()
    if what == "build":
        rate = per_second(lambda number: build(1 + number))
    else:
        texts = [build(1 + number) for number in range(DISTINCT)]
        rate = per_second(lambda number: read(texts[number % DISTINCT]))
    print(f"{rate:.0f}")


main()

// One round of the token benchmark with the official Node libraries: node round.cjs LIBRARY build|verify
"use strict";

const APP_ID = "1f6a9c04be7d4c52a0b3e8d7795c2f10";
const CERTIFICATE = "c0ffee5eed0047aa9b3d61f2e8a4907b";
const CHANNEL = "room-42";
const DISTINCT = 20_000;

const [library, what] = process.argv.slice(2);

const libraries = {
  "agora-token": () => {
    const { RtcTokenBuilder, RtcRole } = require("agora-token");
    const { AccessToken2 } = require("agora-token/src/AccessToken2");
    return {
      build: (uid) =>
        RtcTokenBuilder.buildTokenWithUid(APP_ID, CERTIFICATE, CHANNEL, uid, RtcRole.PUBLISHER, 3600, 3600),
      verify: (text) => {
        const token = new AccessToken2();
        return token.from_string(text) && token.verifySignature(CERTIFICATE);
      },
    };
  },
  "agora-access-token": () => {
    const { RtcTokenBuilder, RtcRole } = require("agora-access-token");
    const ends = Math.floor(Date.now() / 1000) + 3600;
    return {
      build: (uid) => RtcTokenBuilder.buildTokenWithUid(APP_ID, CERTIFICATE, CHANNEL, uid, RtcRole.PUBLISHER, ends),
    };
  },
};

function perSecond(act) {
  const start = process.hrtime.bigint();
  let count = 0;
  let elapsed = 0n;
  while (elapsed < 1_000_000_000n) {
    for (let i = 0; i < 16; i += 1) {
      if (!act(count)) throw new Error(`token ${count} failed`);
      count += 1;
    }
    elapsed = process.hrtime.bigint() - start;
  }
  return (count * 1e9) / Number(elapsed);
}

const { build, verify } = libraries[library]();
let rate;
if (what === "build") {
  rate = perSecond((number) => build(1 + number));
} else {
  const texts = Array.from({ length: DISTINCT }, (_, number) => build(1 + number));
  rate = perSecond((number) => verify(texts[number % DISTINCT]));
}
console.log(rate.toFixed(0));

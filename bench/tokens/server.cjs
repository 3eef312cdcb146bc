// A bare token server as one would write it with the official library: no callers, no limits, no audit.
"use strict";

const http = require("node:http");
const { RtcTokenBuilder, RtcRole } = require("agora-token");

const APP_ID = "1f6a9c04be7d4c52a0b3e8d7795c2f10";
const CERTIFICATE = "c0ffee5eed0047aa9b3d61f2e8a4907b";

const server = http.createServer((request, response) => {
  const [, kind, channel, , , uid] = request.url.split("/");
  if (kind !== "rtc") {
    response.writeHead(404).end();
    return;
  }
  const token = RtcTokenBuilder.buildTokenWithUid(
    APP_ID, CERTIFICATE, channel, Number(uid), RtcRole.PUBLISHER, 3600, 3600,
  );
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  response.end(JSON.stringify({ rtcToken: token }));
});
server.listen(Number(process.env.PORT), "127.0.0.1");

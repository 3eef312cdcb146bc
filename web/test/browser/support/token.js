// @ts-check
/** Tokens, made by a client library that is not ours, and tokens that must not be accepted. */
import { createRequire } from 'node:module';
import { deflateSync, inflateSync } from 'node:zlib';
import agora from 'agora-token';

const { RtcRole, RtcTokenBuilder } = agora;
// The library's public builders always say "now"; this part of it can say when.
const { AccessToken2, ServiceRtc } = createRequire(import.meta.url)('agora-token/src/AccessToken2.js');

/** The app of every test server. */
export const APP_ID = 'b5c41d7e90f24a6d8c3f17a2e60d9b48';
/** Its certificate; a secret of nothing but these tests. */
export const APP_CERTIFICATE = '3e8f06c9a1d74b529fe4037ab86c2d15';
const OTHER_APP_ID = '0123456789abcdef0123456789abcdef';
const OTHER_CERTIFICATE = 'fedcba9876543210fedcba9876543210';

/** Seconds that a token lasts where a test says nothing about it. */
const HOUR_S = 3600;

/**
 * @param {string} channel
 * @param {number} uid 0: any user
 * @param {number} [lifeS]
 */
export function publisherToken(channel, uid, lifeS = HOUR_S) {
  return RtcTokenBuilder.buildTokenWithUid(APP_ID, APP_CERTIFICATE, channel, uid, RtcRole.PUBLISHER, lifeS, lifeS);
}

/**
 * @param {string} channel
 * @param {number} uid
 * @param {number} [lifeS]
 */
export function subscriberToken(channel, uid, lifeS = HOUR_S) {
  return RtcTokenBuilder.buildTokenWithUid(APP_ID, APP_CERTIFICATE, channel, uid, RtcRole.SUBSCRIBER, lifeS, lifeS);
}

/**
 * A token whose privileges end apart, in seconds from now.
 *
 * @param {string} channel
 * @param {number} uid
 * @param {{ token?: number, join?: number, audio?: number, video?: number, data?: number }} ends
 */
export function apartToken(channel, uid, { token = HOUR_S, join = token, audio = token, video = token, data = token }) {
  return RtcTokenBuilder.buildTokenWithUidAndPrivilege(
    APP_ID, APP_CERTIFICATE, channel, uid, token, join, audio, video, data,
  );
}

/**
 * A whole token that ended before now.
 *
 * @param {string} channel
 * @param {number} uid
 * @param {number} agoS how long ago, in seconds
 */
export function expiredToken(channel, uid, agoS) {
  const lifeS = 60;
  const token = new AccessToken2(APP_ID, APP_CERTIFICATE, Math.floor(Date.now() / 1000) - agoS - lifeS, lifeS);
  const service = new ServiceRtc(channel, uid);
  service.add_privilege(ServiceRtc.kPrivilegeJoinChannel, lifeS);
  token.add_service(service);
  return /** @type {string} */ (token.build());
}

/**
 * A token of another app, signed with that app's certificate.
 *
 * @param {string} channel
 * @param {number} uid
 */
export function otherAppToken(channel, uid) {
  return RtcTokenBuilder.buildTokenWithUid(
    OTHER_APP_ID, OTHER_CERTIFICATE, channel, uid, RtcRole.PUBLISHER, HOUR_S, HOUR_S,
  );
}

/**
 * A token with the right names and a signature of somebody who does not know the certificate.
 *
 * @param {string} channel
 * @param {number} uid
 */
export function forgedToken(channel, uid) {
  return RtcTokenBuilder.buildTokenWithUid(APP_ID, OTHER_CERTIFICATE, channel, uid, RtcRole.PUBLISHER, HOUR_S, HOUR_S);
}

/**
 * A true token for one channel, in which somebody wrote another channel of the same length.
 *
 * @param {string} token
 * @param {string} from
 * @param {string} to
 */
export function tamperedToken(token, from, to) {
  if (from.length !== to.length) throw new Error('the two names must be of one length');
  const inside = inflateSync(Buffer.from(token.slice(3), 'base64'));
  const at = inside.indexOf(from);
  if (at < 0) throw new Error(`the token does not name ${from}`);
  inside.write(to, at, 'latin1');
  return token.slice(0, 3) + deflateSync(inside).toString('base64');
}

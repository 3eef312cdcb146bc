// @ts-check
/**
 * The browser SDK of Symbolon: live voice and video in channels that are entered with a token.
 *
 * ```js
 * import { createAgoraRtcEngine, ClientRoleType } from '/sdk/index.js';
 *
 * const engine = createAgoraRtcEngine();
 * engine.initialize({ appId, eventHandler: {
 *   onUserJoined: (connection, uid) => engine.setupRemoteVideo({ uid, view: tileFor(uid) }),
 *   onTokenPrivilegeWillExpire: async () => engine.renewToken(await fetchToken()),
 *   onError: (code, message) => console.warn(code, message),
 * } });
 * engine.enableVideo();
 * engine.setupLocalVideo({ view: document.querySelector('#me') });
 * engine.joinChannel(token, 'tea', 0, { clientRoleType: ClientRoleType.Broadcaster });
 * ```
 *
 * Methods return at once: 0 for "accepted", or a negative code (`getErrorDescription` says it in words). What takes a
 * network or a person arrives as an event. The types are in `types.d.ts`.
 */
import { RtcEngine } from './engine.js';

/** @type {RtcEngine | null} */
let engine = null;

/**
 * The engine of this page. A second call gives the same one until `release`.
 *
 * @returns {RtcEngine}
 */
export function createAgoraRtcEngine() {
  if (!engine || engine.released) engine = new RtcEngine();
  return engine;
}

export * from './constants.js';

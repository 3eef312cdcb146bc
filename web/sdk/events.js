// @ts-check
/**
 * From what the session tells to the calls that an event handler gets.
 *
 * @import { SessionEvent } from './session-io.d.ts'
 * @import { RtcConnection, RtcEngineEventHandler } from './types.d.ts'
 */
import { roleNumber } from './options.js';

/** @typedef {[keyof RtcEngineEventHandler, ...unknown[]]} Call */

/**
 * @param {SessionEvent} event
 * @param {RtcConnection} connection
 * @param {number} elapsed ms since the join was called
 * @returns {Call[]} the calls in their order
 */
export function eventCall(event, connection, elapsed) {
  const audio = 'kind' in event && event.kind === 'audio';
  switch (event.type) {
    case 'connectionStateChanged': return [['onConnectionStateChanged', connection, event.state, event.reason]];
    case 'joinChannelSuccess': return [['onJoinChannelSuccess', connection, elapsed]];
    case 'rejoinChannelSuccess': return [['onRejoinChannelSuccess', connection, elapsed]];
    case 'connectionInterrupted': return [['onConnectionInterrupted', connection]];
    case 'connectionLost': return [['onConnectionLost', connection]];
    case 'connectionBanned': return [['onConnectionBanned', connection]];
    case 'error': return [['onError', event.code, event.message]];
    case 'tokenWillExpire': return [['onTokenPrivilegeWillExpire', connection, event.token]];
    case 'tokenExpiring': return [['onTokenPrivilegeExpiring', connection, event.privileges, event.secondsLeft]];
    case 'requestToken': return [['onRequestToken', connection]];
    case 'renewTokenResult': return [['onRenewTokenResult', connection, event.token, event.code]];
    case 'standingChanged': {
      const standing = { ...event.standing, role: roleNumber(event.standing.role) };
      return [['onStandingChanged', connection, standing]];
    }
    case 'clientRoleChanged': {
      const [before, after] = [event.oldRole, event.newRole].map(roleNumber);
      return [['onClientRoleChanged', connection, before, after]];
    }
    case 'clientRoleChangeFailed':
      return [['onClientRoleChangeFailed', connection, event.reason, roleNumber(event.currentRole)]];
    case 'userJoined': return [['onUserJoined', connection, event.uid, elapsed]];
    case 'userOffline': return [['onUserOffline', connection, event.uid, event.reason]];
    case 'userInfoUpdated': {
      const { uid, name } = event;
      return [['onUserInfoUpdated', uid, { uid, userAccount: '', name }]];
    }
    case 'userPublished': return [['onUserPublished', connection, event.uid, event.kind, event.source]];
    case 'userUnpublished': return [['onUserUnpublished', connection, event.uid, event.kind, event.source]];
    case 'userMuted': return [[audio ? 'onUserMuteAudio' : 'onUserMuteVideo', connection, event.uid, event.muted]];
    case 'userEnableVideo': return [['onUserEnableVideo', connection, event.uid, event.enabled]];
    case 'userEnableLocalVideo': return [['onUserEnableLocalVideo', connection, event.uid, event.enabled]];
    case 'remoteMediaState': {
      const name = audio ? 'onRemoteAudioStateChanged' : 'onRemoteVideoStateChanged';
      return [[name, connection, event.uid, event.state, event.reason, elapsed]];
    }
    case 'fallbackToAudioOnly': return [['onRemoteSubscribeFallbackToAudioOnly', event.uid, event.fallen]];
    case 'firstDecoded': {
      // A browser plays and shows what it has decoded by itself: the first frame of each kind is one moment.
      const { uid, width, height } = event;
      if (audio) {
        return [
          ['onFirstRemoteAudioDecoded', connection, uid, elapsed],
          ['onFirstRemoteAudioFrame', connection, uid, elapsed],
        ];
      }
      return [
        ['onFirstRemoteVideoDecoded', connection, uid, width, height, elapsed],
        ['onFirstRemoteVideoFrame', connection, uid, width, height, elapsed],
      ];
    }
    // These are told by the volume meter, and by the client with its figures.
    case 'speakers':
    case 'leaveChannel': return [];
  }
}

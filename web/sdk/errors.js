// @ts-check
import { ErrorCode } from './constants.js';

/**
 * The sentence for a code; its sign does not matter.
 *
 * @param {number} code
 * @returns {string} never empty
 */
export function errorDescription(code) {
  return SENTENCES.get(Math.abs(code)) ?? `error ${Math.abs(code)}, unknown to this version`;
}

/** @type {Map<number, string>} */
const SENTENCES = new Map([
  [ErrorCode.Ok, 'no error'],
  [ErrorCode.Failed, 'failed for no better-known reason'],
  [ErrorCode.InvalidArgument, 'an argument is out of range or malformed'],
  [ErrorCode.NotReady, 'not ready: this browser has no WebRTC, or no access point is known'],
  [ErrorCode.NotSupported, 'not supported here'],
  [ErrorCode.Refused, 'refused: not allowed in this profile or from this place'],
  [ErrorCode.BufferTooSmall, 'a buffer is too small'],
  [ErrorCode.NotInitialized, 'the engine is not initialised: call initialize first'],
  [ErrorCode.InvalidState, 'not possible in this state'],
  [ErrorCode.NoPermission, 'a permission is missing'],
  [ErrorCode.TimedOut, 'it took too long'],
  [ErrorCode.Canceled, 'cancelled'],
  [ErrorCode.TooOften, 'called too often'],
  [ErrorCode.BindSocket, 'a socket could not be bound'],
  [ErrorCode.NetDown, 'the network is down'],
  [ErrorCode.JoinChannelRejected, 'the join was refused, or a channel is joined already: call leaveChannel first'],
  [ErrorCode.LeaveChannelRejected, 'not in a channel'],
  [ErrorCode.AlreadyInUse, 'in use already'],
  [ErrorCode.Aborted, 'given up'],
  [ErrorCode.InitNetEngine, 'the network engine could not start'],
  [ErrorCode.ResourceLimited, 'a limit has been reached'],
  [ErrorCode.FuncIsProhibited, 'this function is prohibited'],
  [ErrorCode.InvalidAppId, 'the App ID is unknown or malformed: it has 32 hexadecimal characters'],
  [
    ErrorCode.InvalidChannelName,
    'the channel name is malformed: 1 to 64 letters, digits, spaces and ' +
      '! # $ % & ( ) + - : ; < = . > ? @ [ ] ^ _ { } | ~ ,',
  ],
  [ErrorCode.NoServerResources, 'the server has no room'],
  [ErrorCode.TokenExpired, 'the token, or its right to be in the channel, has expired'],
  [ErrorCode.InvalidToken, 'the token does not open this channel for this user'],
  [ErrorCode.ConnectionInterrupted, 'the connection is interrupted'],
  [ErrorCode.ConnectionLost, 'the connection is lost'],
  [ErrorCode.NotInChannel, 'this needs a channel: join one first'],
  [ErrorCode.SizeTooLarge, 'the message is too large'],
  [ErrorCode.BitrateLimit, 'too much data in a second'],
  [ErrorCode.TooManyDataStreams, 'too many data streams'],
  [ErrorCode.StreamMessageTimeout, 'a data message came too late'],
  [ErrorCode.SetClientRoleNotAuthorized, 'the token does not allow this role'],
  [ErrorCode.DecryptionFailed, 'media could not be decrypted'],
  [ErrorCode.InvalidUserId, 'the uid is out of range: 0 to 4294967295'],
  [ErrorCode.DatastreamDecryptionFailed, 'a data stream could not be decrypted'],
  [ErrorCode.ClientIsBannedByServer, 'a rule of the operator keeps this user out'],
  [ErrorCode.EncryptedStreamNotAllowedPublish, 'an encrypted stream may not be published there'],
  [ErrorCode.LicenseCredentialInvalid, 'the licence is not valid'],
  [ErrorCode.InvalidUserAccount, 'the user account is malformed'],
  [ErrorCode.ModuleNotFound, 'a module is missing'],
  [ErrorCode.LoadMediaEngine, 'the media engine could not be loaded'],
  [ErrorCode.AudioGeneralError, 'the audio device failed'],
  [ErrorCode.InitPlayout, 'the speaker could not be opened'],
  [ErrorCode.StartPlayout, 'the speaker could not be started'],
  [ErrorCode.StopPlayout, 'the speaker could not be stopped'],
  [ErrorCode.InitRecording, 'the microphone could not be opened'],
  [ErrorCode.StartRecording, 'the microphone could not be started'],
  [ErrorCode.StopRecording, 'the microphone could not be stopped'],
  [ErrorCode.CameraNotPermitted, 'the camera could not be opened'],
]);

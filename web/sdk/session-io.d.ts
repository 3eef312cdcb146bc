/** What goes into a session machine and what comes out of it. This file is for type checkers; nothing loads it. */

import type {
  ClientMessage, Kind, MediaAnswer, MediaOffer, Privilege, Profile, PublishState, Receiving, Role, ServerMessage, Slot,
  Source, Speaker, Standing, Subscribe, Switches, View,
} from './protocol.d.ts';

/** Where to join, and as what. */
export interface JoinRequest {
  appId: string;
  channel: string;
  token: string | null;
  /** 0 to be given one. */
  uid: number;
  name?: string;
  role: Role;
  /** Absent: everything is on. */
  switches?: Switches;
  profile: Profile;
  subscribe: Subscribe;
  /** Absent: the best of everything. */
  view?: View;
}

/** One thing that happened: a call of the application, or news from the world. */
export type Input =
  | { type: 'join'; request: JoinRequest }
  | { type: 'leave' }
  | { type: 'renewToken'; token: string }
  | { type: 'setRole'; role: Role }
  | { type: 'subscribe'; subscribe: Subscribe }
  /** Remembered for later connections of the same stay. */
  | { type: 'view'; view: View }
  /** Offers of later connections must say the same. */
  | { type: 'setMuted'; mid: string; muted: boolean }
  /** Remembered for later connections of the same stay. */
  | { type: 'setSwitches'; switches: Switches }
  /** A new offer of the media connection; the next one only after its answer or its failure. */
  | { type: 'negotiate'; media: MediaOffer }
  /** The socket is open, and the fresh media connection has made its offer. */
  | { type: 'opened'; media?: MediaOffer }
  /** The socket could not be opened, or has closed by itself. */
  | { type: 'closed' }
  | { type: 'message'; message: ServerMessage }
  /** Something came in that this version does not know: the server is alive. */
  | { type: 'unknown' }
  | { type: 'networkChanged' }
  /** Media has stopped in both directions, although the socket is open. */
  | { type: 'mediaLost' }
  /** Media of a user is decoded; `again` after a gap so long that it counts as a first time. */
  | { type: 'decoded'; uid: number; kind: Kind; width?: number; height?: number; again?: boolean }
  /** Nothing of a user's media has been decoded for a while, though it should be. */
  | { type: 'frozen'; uid: number; kind: Kind }
  | { type: 'tick' };

/** One thing to do. */
export type Output =
  /**
   * Open a socket, and make a fresh media connection and its offer; then say `opened` or `closed`. The media connection
   * before it goes on until the new one has its answer.
   */
  | { type: 'open' }
  /** Close the socket once all that was sent has gone out. */
  | { type: 'close' }
  | { type: 'send'; message: ClientMessage }
  /** The server's answer to the last offer. */
  | { type: 'answer'; media: MediaAnswer }
  /** The last offer was refused: the media connection stays as it was. */
  | { type: 'negotiateFailed' }
  | { type: 'slots'; slots: Slot[] }
  /** Offer again, with this many more receive slots. */
  | { type: 'needSlots'; audio: number; video: number }
  | { type: 'ownPublication'; mid: string; state: PublishState }
  /** Nobody needs other layers of this track than these for now. */
  | { type: 'layersWanted'; mid: string; rids: string[] }
  /** What comes of a video has changed; what the application is to be told of that was told before. */
  | { type: 'receiving'; receiving: Receiving }
  /** What the line carries towards this client, as the server estimates it. */
  | { type: 'bandwidth'; downKbps: number }
  | { type: 'event'; event: SessionEvent };

/** What an application is told; the engine adds connection and time. */
export type SessionEvent =
  | { type: 'connectionStateChanged'; state: number; reason: number }
  | { type: 'joinChannelSuccess' }
  | { type: 'rejoinChannelSuccess' }
  | { type: 'leaveChannel' }
  | { type: 'connectionInterrupted' }
  | { type: 'connectionLost' }
  | { type: 'connectionBanned' }
  | { type: 'error'; code: number; message: string }
  | { type: 'tokenWillExpire'; token: string }
  | { type: 'tokenExpiring'; privileges: Privilege[]; secondsLeft: number }
  | { type: 'requestToken' }
  | { type: 'renewTokenResult'; token: string; code: number }
  | { type: 'standingChanged'; standing: Standing }
  | { type: 'clientRoleChanged'; oldRole: Role; newRole: Role }
  | { type: 'clientRoleChangeFailed'; reason: number; currentRole: Role }
  | { type: 'userJoined'; uid: number }
  | { type: 'userOffline'; uid: number; reason: number }
  | { type: 'userInfoUpdated'; uid: number; name: string }
  | { type: 'userPublished' | 'userUnpublished'; uid: number; kind: Kind; source: Source }
  | { type: 'userMuted'; uid: number; kind: Kind; muted: boolean }
  | { type: 'userEnableVideo' | 'userEnableLocalVideo'; uid: number; enabled: boolean }
  | { type: 'remoteMediaState'; uid: number; kind: Kind; state: number; reason: number }
  /** The line is too narrow for any picture of a user, and sound alone goes on; or pictures come again. */
  | { type: 'fallbackToAudioOnly'; uid: number; fallen: boolean }
  | { type: 'firstDecoded'; uid: number; kind: Kind; width: number; height: number }
  | { type: 'speakers'; speakers: Speaker[] };

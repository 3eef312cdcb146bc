// @ts-check
/**
 * What to capture, publish and receive: a function of the settings.
 *
 * @import { Kind, Source } from './protocol.d.ts'
 */

/**
 * @typedef {object} Settings
 * @property {LocalSwitches} local
 * @property {ReturnType<typeof import('./options.js').effectiveOptions>} options
 * @property {boolean} broadcaster whether that is the role asked for
 * @property {boolean} active whether a channel is joined, or on its way
 * @property {{ video: boolean, audio: boolean }} screen what the screen capture gives now
 */

/**
 * @typedef {object} LocalSwitches
 * @property {boolean} audioModule
 * @property {boolean} videoModule
 * @property {boolean} audioCapture
 * @property {boolean} videoCapture
 * @property {boolean} audioMuted
 * @property {boolean} videoMuted
 * @property {boolean} preview
 */

/**
 * @typedef {{ source: Source, kind: Kind, muted: boolean, off: boolean }} WantedPublication `off`: its device is closed;
 *   the others know that of a camera by the switches, and of a microphone by the mute
 */

/**
 * @param {Settings} settings
 * @returns {{ capture: { camera: boolean, microphone: boolean }, publish: WantedPublication[],
 *   switches: import('./protocol.d.ts').Switches,
 *   subscribe: { audio: boolean, video: boolean, audioModule: boolean, videoModule: boolean } }}
 */
export function plan({ local, options, broadcaster, active, screen }) {
  const sending = active && broadcaster;
  const audio = local.audioModule && options.audioDevices;
  const microphone = sending && audio && options.microphone;
  const camera = sending && local.videoModule && options.camera;
  const publish = /** @type {(WantedPublication & { wanted: boolean })[]} */ ([
    {
      source: 'microphone',
      kind: 'audio',
      muted: local.audioMuted || !local.audioCapture,
      off: !local.audioCapture,
      wanted: microphone,
    },
    { source: 'camera', kind: 'video', muted: local.videoMuted, off: !local.videoCapture, wanted: camera },
    {
      source: 'screen',
      kind: 'video',
      muted: local.videoMuted,
      off: false,
      wanted: sending && local.videoModule && options.screen && screen.video,
    },
    {
      source: 'screenAudio',
      kind: 'audio',
      muted: false,
      off: false,
      wanted: sending && audio && options.screenAudio && screen.audio,
    },
  ]);
  return {
    capture: {
      camera: local.videoModule && local.videoCapture && (camera || local.preview),
      microphone: microphone && local.audioCapture,
    },
    publish: publish.filter((item) => item.wanted).map(({ source, kind, muted, off }) => ({ source, kind, muted, off })),
    switches: { video: local.videoModule, localVideo: local.videoCapture },
    subscribe: {
      audio: options.subscribeAudio,
      video: options.subscribeVideo,
      audioModule: audio,
      videoModule: local.videoModule,
    },
  };
}

// @ts-check
/**
 * Which codecs a section offers, and in which order.
 *
 * @import { Kind } from './protocol.d.ts'
 */
import { VideoCodecType } from './constants.js';

/**
 * What the server forwards; retransmission goes along. Fewer codecs also keep offers with many sections small. Sound
 * that carries earlier sound along comes first: what one packet loses, the next brings.
 */
const CODECS = {
  audio: ['audio/red', 'audio/opus'],
  video: ['video/VP8', 'video/VP9', 'video/H264', 'video/AV1', 'video/rtx'],
};

/** @type {Map<number | undefined, string>} */
const MIME_TYPES = new Map([
  [VideoCodecType.VP8, 'video/VP8'],
  [VideoCodecType.VP9, 'video/VP9'],
  [VideoCodecType.H264, 'video/H264'],
  [VideoCodecType.AV1, 'video/AV1'],
]);

/**
 * Offers the codecs that the network knows, the preferred one first.
 *
 * @param {RTCRtpTransceiver} transceiver
 * @param {Kind} kind
 * @param {number | undefined} codecType a `VideoCodecType`
 */
export function preferCodecs(transceiver, kind, codecType) {
  const side = transceiver.direction === 'sendonly' ? RTCRtpSender : RTCRtpReceiver;
  const codecs = chooseCodecs(side.getCapabilities?.(kind)?.codecs ?? [], kind, codecType);
  if (codecs.length === 0) return;
  try {
    transceiver.setCodecPreferences(codecs);
  } catch {
    // A browser that does not take the list offers its own, which the server narrows down as well.
  }
}

/**
 * @template {{ mimeType: string }} Codec
 * @param {Codec[]} codecs what the browser can do, in its order
 * @param {Kind} kind
 * @param {number | undefined} codecType
 * @returns {Codec[]}
 */
export function chooseCodecs(codecs, kind, codecType) {
  const known = codecs.filter(({ mimeType }) => CODECS[kind].some((name) => same(name, mimeType)));
  const first = kind === 'audio' ? 'audio/red' : MIME_TYPES.get(codecType);
  if (!first) return known;
  const preferred = known.filter(({ mimeType }) => same(mimeType, first));
  return [...preferred, ...known.filter((codec) => !preferred.includes(codec))];
}

/**
 * @param {string} a
 * @param {string} b
 */
const same = (a, b) => a.toLowerCase() === b.toLowerCase();

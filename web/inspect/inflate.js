// @ts-check
/**
 * One zlib stream, read strictly and with a bound. The browser's own reader says neither why it failed nor where the
 * stream ended, and both decide here.
 */

/** Why a stream is refused. */
export class InflateError extends Error {
  /** @param {'zlib_invalid' | 'inflate_limit' | 'trailing_bytes'} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * @param {Uint8Array} stream
 * @param {number} limit the most bytes that may come out
 * @returns {Uint8Array}
 * @throws {InflateError}
 */
export function inflate(stream, limit) {
  checkHeader(stream);
  const bits = new Bits(stream.subarray(2));
  const out = new Output(limit);
  for (let last = false; !last; ) {
    last = bits.take(1) === 1;
    const kind = bits.take(2);
    if (kind === 0) stored(bits, out);
    else if (kind === 1) packed(bits, out, FIXED);
    else if (kind === 2) packed(bits, out, readCodes(bits));
    else throw new InflateError('zlib_invalid');
  }
  const bytes = out.bytes;
  if (adler32(bytes) !== bits.tail()) throw new InflateError('zlib_invalid');
  if (bits.left > 0) throw new InflateError('trailing_bytes');
  return bytes;
}

/** @param {Uint8Array} stream */
function checkHeader([method = 0, flags = 0]) {
  const isDeflate = (method & 15) === 8 && method >> 4 <= 7;
  const hasDictionary = (flags & 32) !== 0;
  if (!isDeflate || hasDictionary || (method * 256 + flags) % 31 !== 0) throw new InflateError('zlib_invalid');
}

/** The stream, bit by bit. */
class Bits {
  #bytes;
  #at = 0;
  #held = 0;
  #count = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
  }

  /** @param {number} count at most 16 */
  take(count) {
    while (this.#count < count) {
      this.#held |= this.byte() << this.#count;
      this.#count += 8;
    }
    const value = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#count -= count;
    return value;
  }

  /** Forgets the rest of the byte that is being read. */
  align() {
    this.#held = 0;
    this.#count = 0;
  }

  byte() {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new InflateError('zlib_invalid');
    this.#at += 1;
    return byte;
  }

  /** The checksum behind the last block. */
  tail() {
    this.align();
    return ((this.byte() << 24) | (this.byte() << 16) | (this.byte() << 8) | this.byte()) >>> 0;
  }

  get left() {
    return this.#bytes.length - this.#at;
  }
}

/** What has come out so far. */
class Output {
  #bytes;
  #length = 0;

  /** @param {number} limit */
  constructor(limit) {
    this.#bytes = new Uint8Array(limit);
  }

  /** @param {number} byte */
  push(byte) {
    if (this.#length === this.#bytes.length) throw new InflateError('inflate_limit');
    this.#bytes[this.#length++] = byte;
  }

  /** @param {number} distance @param {number} length */
  copy(distance, length) {
    if (distance > this.#length) throw new InflateError('zlib_invalid');
    for (let left = length; left > 0; left -= 1) this.push(this.#bytes[this.#length - distance] ?? 0);
  }

  get bytes() {
    return this.#bytes.slice(0, this.#length);
  }
}

/** @param {Bits} bits @param {Output} out */
function stored(bits, out) {
  bits.align();
  const length = bits.byte() | (bits.byte() << 8);
  const inverse = bits.byte() | (bits.byte() << 8);
  if ((length ^ inverse) !== 0xffff) throw new InflateError('zlib_invalid');
  for (let left = length; left > 0; left -= 1) out.push(bits.byte());
}

/** @typedef {{ counts: Uint16Array, symbols: Uint16Array }} Code */

/** @param {Bits} bits @param {Output} out @param {{ literals: Code, distances: Code }} codes */
function packed(bits, out, { literals, distances }) {
  for (;;) {
    const symbol = decode(bits, literals);
    if (symbol === END) return;
    if (symbol < END) {
      out.push(symbol);
      continue;
    }
    const length = extended(bits, LENGTHS[symbol - END - 1]);
    out.copy(extended(bits, DISTANCES[decode(bits, distances)]), length);
  }
}

/** @param {Bits} bits @param {readonly [number, number] | undefined} range its start and its count of extra bits */
function extended(bits, range) {
  if (!range) throw new InflateError('zlib_invalid');
  return range[0] + bits.take(range[1]);
}

/** @param {Bits} bits @param {Code} code */
function decode(bits, { counts, symbols }) {
  let value = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= LONGEST; length += 1) {
    value |= bits.take(1);
    const count = counts[length] ?? 0;
    if (value - first < count) return symbols[index + value - first] ?? 0;
    index += count;
    first = (first + count) << 1;
    value <<= 1;
  }
  throw new InflateError('zlib_invalid');
}

/**
 * The canonical code of these lengths.
 *
 * @param {number[]} lengths
 * @param {boolean} mayBeSingle whether a code of one symbol, or of none, is taken
 * @returns {Code}
 */
function codeOf(lengths, mayBeSingle) {
  const counts = new Uint16Array(LONGEST + 1);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  const used = lengths.length - (counts[0] ?? 0);
  let free = 1;
  for (let length = 1; length <= LONGEST; length += 1) {
    free = free * 2 - (counts[length] ?? 0);
    if (free < 0) throw new InflateError('zlib_invalid');
  }
  const isSingle = used === 0 || (used === 1 && counts[1] === 1);
  if (free > 0 && !(mayBeSingle && isSingle)) throw new InflateError('zlib_invalid');
  const symbols = lengths.map((length, symbol) => ({ length, symbol })).filter(({ length }) => length > 0);
  symbols.sort((one, other) => one.length - other.length || one.symbol - other.symbol);
  return { counts, symbols: Uint16Array.from(symbols, ({ symbol }) => symbol) };
}

/** The codes that a block brings along. @param {Bits} bits */
function readCodes(bits) {
  const literalCount = bits.take(5) + 257;
  const distanceCount = bits.take(5) + 1;
  const metaCount = bits.take(4) + 4;
  if (literalCount > 286 || distanceCount > 30) throw new InflateError('zlib_invalid');
  /** @type {number[]} */
  const meta = new Array(META_ORDER.length).fill(0);
  for (const place of META_ORDER.slice(0, metaCount)) meta[place] = bits.take(3);
  const lengths = readLengths(bits, codeOf(meta, false), literalCount + distanceCount);
  if (lengths[END] === 0) throw new InflateError('zlib_invalid');
  return {
    literals: codeOf(lengths.slice(0, literalCount), true),
    distances: codeOf(lengths.slice(literalCount), true),
  };
}

/** @param {Bits} bits @param {Code} meta @param {number} count */
function readLengths(bits, meta, count) {
  /** @type {number[]} */
  const lengths = [];
  while (lengths.length < count) {
    const symbol = decode(bits, meta);
    if (symbol < 16) {
      lengths.push(symbol);
      continue;
    }
    const again = symbol === 16 ? lengths.at(-1) : 0;
    if (again === undefined) throw new InflateError('zlib_invalid');
    const times = symbol === 18 ? 11 + bits.take(7) : 3 + bits.take(symbol === 17 ? 3 : 2);
    for (let left = times; left > 0; left -= 1) lengths.push(again);
  }
  if (lengths.length > count) throw new InflateError('zlib_invalid');
  return lengths;
}

/** @param {Uint8Array} bytes */
function adler32(bytes) {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return ((high << 16) | low) >>> 0;
}

/**
 * Ranges one behind the other, each as long as its extra bits say.
 *
 * @param {number} start
 * @param {number[]} extraBits
 * @returns {(readonly [number, number])[]}
 */
function ranges(start, extraBits) {
  let at = start;
  return extraBits.map((bits) => {
    const range = /** @type {const} */ ([at, bits]);
    at += 1 << bits;
    return range;
  });
}

const LONGEST = 15;
/** The symbol that ends a block. */
const END = 256;
const META_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** The longest match has a symbol of its own, which cuts the range before it short. */
const LENGTHS = [
  ...ranges(3, [...new Array(8).fill(0), ...[1, 2, 3, 4, 5].flatMap((bits) => new Array(4).fill(bits))]),
  /** @type {const} */ ([258, 0]),
];
const DISTANCES = ranges(1, [0, 0, ...Array.from({ length: 28 }, (_, index) => index >> 1)]);
const FIXED = {
  literals: codeOf(Array.from({ length: 288 }, (_, at) => (at < 144 ? 8 : at < 256 ? 9 : at < 280 ? 7 : 8)), false),
  distances: codeOf(new Array(32).fill(5), false),
};

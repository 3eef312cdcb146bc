// @ts-check
/** Reads the fields of a token; no length is believed before the bytes behind it have been seen. */

/** Why a token cannot be read. */
export class ReadError extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export class Reader {
  #bytes;
  #view;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param {number} count */
  bytes(count) {
    const start = this.#step(count);
    return this.#bytes.subarray(start, this.#at);
  }

  u16() {
    return this.#view.getUint16(this.#step(2), true);
  }

  i16() {
    return this.#view.getInt16(this.#step(2), true);
  }

  u32() {
    return this.#view.getUint32(this.#step(4), true);
  }

  str() {
    const bytes = this.bytes(this.u16());
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new ReadError('not_utf8');
    }
  }

  map() {
    /** @type {import('./token.js').Privilege[]} */
    const privileges = [];
    for (let left = this.u16(); left > 0; left -= 1) {
      const privilege = { id: this.u16(), value: this.u32() };
      if (privileges.some(({ id }) => id === privilege.id)) throw new ReadError('duplicate_privilege');
      privileges.push(privilege);
    }
    return privileges;
  }

  signature() {
    const length = this.u16();
    if (length !== SIGNATURE_LENGTH) throw new ReadError('bad_signature');
    return this.bytes(length);
  }

  /** What has not been read yet. */
  get rest() {
    return this.#bytes.subarray(this.#at);
  }

  /** Nothing may be left. */
  end() {
    if (this.rest.length > 0) throw new ReadError('trailing_bytes');
  }

  /** @param {number} count */
  #step(count) {
    const start = this.#at;
    if (count > this.#bytes.length - start) throw new ReadError('truncated');
    this.#at += count;
    return start;
  }
}

const SIGNATURE_LENGTH = 32;

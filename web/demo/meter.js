// @ts-check
/**
 * How loud the microphone is before the call, when the engine does not listen yet.
 */

/** @typedef {import('./state.js').DeviceFault} MicFault */

/** A level meter on one microphone. */
export class MicMeter {
  #onLevel;
  #onFault;
  /** Counts starts and stops, so that a slow permission of an earlier start is dropped. */
  #turn = 0;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {(level: number) => void} onLevel 0 to 1
   * @param {(fault: MicFault | '') => void} onFault empty: it works
   */
  constructor(onLevel, onFault) {
    this.#onLevel = onLevel;
    this.#onFault = onFault;
  }

  /** @param {string} deviceId empty: the browser's choice */
  async start(deviceId) {
    this.stop();
    const turn = this.#turn;
    if (!navigator.mediaDevices) return this.#onFault('insecure');
    try {
      const audio = deviceId ? { deviceId: { ideal: deviceId } } : true;
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      if (turn !== this.#turn) return end(stream);
      this.#stream = stream;
      this.#onFault('');
      this.#measure(stream);
    } catch (error) {
      if (turn === this.#turn) this.#onFault(faultOf(error));
    }
    return undefined;
  }

  stop() {
    this.#turn += 1;
    clearInterval(this.#timer);
    if (this.#stream) end(this.#stream);
    this.#stream = null;
    void this.#context?.close();
    this.#context = null;
    this.#onLevel(0);
  }

  /** @param {MediaStream} stream */
  #measure(stream) {
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 512;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      // Without a gesture the browser keeps the context asleep; it may be woken by now.
      if (this.#context?.state === 'suspended') void this.#context.resume();
      analyser.getFloatTimeDomainData(samples);
      this.#onLevel(loudness(samples));
    }, 80);
  }
}

/**
 * @param {Float32Array} samples
 * @returns {number} 0 (below -60 dB) to 1 (full scale)
 */
function loudness(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(power + 1e-9);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}

/** @param {MediaStream} stream */
function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * @param {unknown} error
 * @returns {MicFault}
 */
function faultOf(error) {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'refused';
  return name === 'NotFoundError' || name === 'OverconstrainedError' ? 'absent' : 'busy';
}

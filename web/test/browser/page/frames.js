// @ts-check
/** Notes when each frame of a picture is shown. */
export class Frames {
  /** @type {number[]} in ms of the clock that all pages of a machine share */
  times = [];

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    const note = (/** @type {number} */ shown) => {
      this.times.push(performance.timeOrigin + shown);
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  }
}

// Keeps the reading up with the drawing: one request at a time, and always the newest strokes.

const REST = 60; // ms at least between requests while a stroke is drawn; its end does not wait

export class Reader {
  /** `send()` promises a reading of the strokes as they are, or gives null where there are none; `show(reading)`, `fail(error)`. */
  constructor(send, show, fail) {
    this.send = send;
    this.show = show;
    this.fail = fail;
    this.wanted = 0; // number of the newest drawing
    this.shown = 0; // number of the drawing whose reading is shown
    this.epoch = 0; // readings of strokes that were taken away since are dropped
    this.busy = false;
    this.sent = 0;
    this.took = 0;
    this.timer = 0;
    this.waiting = [];
  }

  /** The drawing grew. */
  grew() {
    this.wanted++;
    this.pump(false);
  }

  /** A stroke ended: what grew is to be read at once. */
  ended() {
    this.pump(true);
  }

  /** The drawing became another one. */
  changed() {
    this.epoch++;
    this.wanted++;
    this.pump(true);
  }

  /** Resolves when the reading of the drawing as it is now is shown: true, or false if there was none to be had. */
  settled() {
    if (this.shown === this.wanted) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.pump(true);
    });
  }

  async pump(now) {
    this.hurry ||= now;
    if (this.busy || this.shown === this.wanted) return;
    // Mostly idle while a stroke is drawn, so that its end seldom finds a request under way.
    const rest = this.sent + Math.max(REST, 3 * this.took) - performance.now();
    if (!this.hurry && rest > 0) {
      this.timer ||= setTimeout(() => {
        this.timer = 0;
        this.pump(false);
      }, rest);
      return;
    }
    const { wanted, epoch } = this;
    this.busy = true;
    this.hurry = false;
    this.sent = performance.now();
    let failed = false;
    try {
      const reading = await this.send();
      if (epoch === this.epoch) {
        this.shown = wanted;
        this.show(reading);
      }
    } catch (error) {
      failed = true;
      this.fail(error);
    }
    this.busy = false;
    this.took = performance.now() - this.sent;
    if (this.shown !== this.wanted && !(failed && wanted === this.wanted)) this.pump(this.hurry || epoch !== this.epoch || this.waiting.length > 0);
    else for (const resolve of this.waiting.splice(0)) resolve(!failed);
  }
}

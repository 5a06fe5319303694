// Keeps the reading up with the drawing: always the newest strokes, and one request at a time while they are drawn.

const REST = 60; // ms at least between requests while a stroke is drawn; its end does not wait

export class Reader {
  /** `send()` promises a reading of the strokes as they are, or gives null where there are none; `show(reading)`, `fail(error)`. */
  constructor(send, show, fail) {
    this.send = send;
    this.show = show;
    this.fail = fail;
    this.wanted = 0; // number of the newest drawing
    this.asked = 0; // number of the newest drawing whose reading was asked for
    this.shown = 0; // number of the drawing whose reading is shown
    this.epoch = 0; // readings of strokes that were taken away since are not shown
    this.reading = null; // what is shown
    this.asking = null; // promises what was asked for last
    this.busy = false;
    this.sent = 0;
    this.took = 0;
    this.timer = 0;
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

  /** The reading of the drawing as it is at this moment, whatever is drawn until it comes; nothing where it failed. */
  settled() {
    if (this.shown === this.wanted) return this.reading;
    return this.asked === this.wanted ? this.asking : this.ask();
  }

  ask() {
    this.asked = this.wanted;
    this.asking = this.answer(this.wanted, this.epoch);
    return this.asking;
  }

  async answer(number, epoch) {
    try {
      const reading = await this.send();
      if (epoch === this.epoch && number > this.shown) {
        this.shown = number;
        this.reading = reading;
        this.show(reading);
      }
      return reading;
    } catch (error) {
      if (this.asked === number) this.asked = this.shown; // it may be asked for again
      this.fail(error);
      return undefined;
    }
  }

  async pump(now) {
    this.hurry ||= now;
    if (this.busy || this.shown === this.wanted || this.asked === this.wanted) return;
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
    const failed = (await this.ask()) === undefined;
    this.busy = false;
    this.took = performance.now() - this.sent;
    if (!failed || wanted !== this.wanted) this.pump(this.hurry || epoch !== this.epoch);
  }
}

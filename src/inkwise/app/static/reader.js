// Keeps the reading up to date with the drawing: reads the newest strokes, with one request at a time.

const REST = 60; // minimum ms between requests while a stroke is drawn; its end is read at once

export class Reader {
  /** `send()` returns a promise of the reading of the current strokes, or null without strokes. */
  constructor(send, show, fail) {
    this.send = send;
    this.show = show;
    this.fail = fail;
    this.wanted = 0; // version of the drawing
    this.asked = 0; // newest version that was sent
    this.shown = 0; // version whose reading is shown
    this.epoch = 0; // changes when strokes are removed; older readings are then dropped
    this.reading = null; // the shown reading
    this.asking = null; // promise of the newest request
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

  /** A stroke ended: read it at once. */
  ended() {
    this.pump(true);
  }

  /** Strokes were removed or restored, or are read in another way. */
  changed() {
    this.epoch++;
    this.wanted++;
    this.pump(true);
  }

  /** The reading of the drawing as it is now; undefined if the request fails. */
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
      if (this.asked === number) this.asked = this.shown; // so that it can be sent again
      this.fail(error);
      return undefined;
    }
  }

  async pump(now) {
    this.hurry ||= now;
    if (this.busy || this.shown === this.wanted || this.asked === this.wanted) return;
    // Mostly idle while a stroke is drawn, so that its end seldom waits for a request.
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

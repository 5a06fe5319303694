// An accuracy test: asks for digits in random order until the interval of the accuracy is narrow enough.

import { get } from "./api.js";
import { $, accuracyText, percent } from "./dom.js";
import { attempt, hideToast } from "./notices.js";
import { onSession, session } from "./session.js";

const KEY = () => `inkwise.trial.${session.writer}`;
const WIDTH = "inkwise.trial-width";

class Trial {
  ask = null; // requested label, null if there is none
  done = false;
  last = null; // previous answer

  /** Start of the writer's test, or null. */
  get since() {
    return localStorage.getItem(KEY());
  }

  get active() {
    return this.since !== null && this.ask !== null && !this.done;
  }

  start(onchange) {
    this.onchange = onchange;
    $("trial").addEventListener("click", () => this.begin());
    $("trial-leave").addEventListener("click", () => this.leave());
    $("trial-again").addEventListener("click", () => this.begin());
    $("trial-width").value = localStorage.getItem(WIDTH) ?? "0.1";
    $("trial-width").addEventListener("change", () => {
      localStorage.setItem(WIDTH, $("trial-width").value);
      $("trial-width").blur();
      this.load();
    });
    let writer = null;
    onSession((now) => {
      if (now.writer === writer) return;
      writer = now.writer;
      this.ask = this.last = null;
      this.done = false;
      if (this.since) this.load();
      else this.show();
    });
  }

  begin() {
    hideToast(); // it would undo an answer outside the test
    this.load(true);
    scrollTo({ top: 0 });
  }

  leave() {
    localStorage.removeItem(KEY());
    this.ask = this.last = null;
    this.done = false;
    this.show();
    this.onchange(true);
  }

  answered(answer) {
    this.last = answer;
    this.load();
  }

  /** Load the state of the test; a new one begins by the clock of the server. */
  async load(anew = false) {
    const { writer } = session;
    const before = this.since;
    if (!before && !anew) return;
    const width = $("trial-width").value;
    const state = await attempt(() => get("/api/trial", { writer, since: anew ? null : before, width }));
    if (!state || writer !== session.writer || before !== this.since) return;
    if (anew) {
      localStorage.setItem(KEY(), state.since);
      this.last = null;
    }
    const began = anew || !this.active;
    this.state = state;
    this.ask = state.ask;
    this.done = state.done;
    this.show();
    this.onchange(began || this.done);
  }

  show() {
    const on = this.since !== null && this.ask !== null;
    $("trial-panel").hidden = !on;
    $("trial").hidden = on;
    if (!on) return;
    const { state, done, last } = this;
    const width = state.n ? state.high - state.low : 1;
    const target = Number($("trial-width").value);
    $("trial-panel").classList.toggle("done", done);
    $("trial-again").hidden = !done;
    $("trial-ask").dataset.n = state.n;
    $("trial-ask").textContent = done ? `${percent(state.right / state.n)} right` : `Draw a ${this.ask}`;
    // The width of the interval falls with the square root of the number of answers.
    $("trial-bar").value = done ? 1 : Math.min((target / width) ** 2, 0.99);
    const before = last ? ` · the previous ${last.label} was read as ${last.answer}${last.label === last.answer ? " ✓" : ""}` : "";
    $("trial-status").textContent = done
      ? `The test is complete: ${accuracyText(state)}.`
      : (state.n ? accuracyText(state) : "Draw it, then press Enter or Confirm. You see afterwards how it was read.") + before;
  }
}

export const trial = new Trial();

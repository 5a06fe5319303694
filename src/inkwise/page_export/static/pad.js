// The custom element <inkwise-pad>: a drawing area whose strokes are read while they are drawn.

import { el } from "./dom.js";
import { Ink } from "./ink.js";
import { readStrokes } from "./stroke-reader.js";

const STYLE = `
  :host { display: block; height: 280px; border: 1px solid rgb(128 128 128 / 45%); border-radius: 12px; background: Canvas; color: CanvasText; }
  :host([hidden]) { display: none; }
  .pad { position: relative; display: flex; flex-direction: column; height: 100%; }
  canvas { flex: 1; min-height: 0; width: 100%; border-radius: 12px 12px 0 0; outline: none; touch-action: none; user-select: none; -webkit-user-select: none; cursor: crosshair; }
  .pad:has(canvas:focus-visible), button:focus-visible { outline: 3px solid; outline-offset: 2px; border-radius: 12px; }
  .hint { position: absolute; inset: 0 0 60px; display: grid; place-items: center; opacity: .65; pointer-events: none; }
  .tools { display: flex; gap: 8px; padding: 8px; border-top: 1px solid rgb(128 128 128 / 45%); }
  button { min-height: 44px; padding: 0 16px; border: 1px solid rgb(128 128 128 / 45%); border-radius: 10px; background: none; color: inherit; font: inherit; cursor: pointer; touch-action: manipulation; }
  button:disabled { opacity: .45; cursor: default; }
  [hidden] { display: none; }
`;

/**
 * A drawing area; its content is the hint that an empty one shows.
 *
 * Attributes:
 *   expect: "digit" or "number"; without it, a drawing may be either.
 *   length: number of digits, or its least and greatest: "4" or "4-6".
 * Events:
 *   reading: after each change; `detail` is the reading, see the documentation.
 */
export class InkwisePad extends HTMLElement {
  static observedAttributes = ["expect", "length"];
  static readStrokes = readStrokes; // of drawings that were not made on a pad

  constructor() {
    super();
    this.reading = null;
    this.frame = 0;
    const canvas = el("canvas", {
      part: "canvas",
      tabindex: "0",
      role: "application",
      "aria-label": "Drawing area. Arrow keys move the pen, Space puts it down or lifts it.",
    });
    this.hint = el("div", { class: "hint", part: "hint", "aria-hidden": "true" }, el("slot"));
    this.undoButton = el("button", { type: "button", onclick: () => this.undo() }, "Undo");
    this.clearButton = el("button", { type: "button", onclick: () => this.clear() }, "Clear");
    const tools = el("div", { class: "tools", part: "tools" }, this.undoButton, this.clearButton);
    const pad = el("div", { class: "pad" }, canvas, this.hint, tools);
    pad.addEventListener("keydown", (event) => this.key(event));
    this.attachShadow({ mode: "open" }).append(el("style", {}, STYLE), pad);
    this.ink = new Ink(canvas, () => this.changed());
    this.showState();
  }

  attributeChangedCallback() {
    this.changed();
  }

  /** The strokes, lists of points [x, y] in CSS pixels; setting them replaces the drawing. */
  get strokes() {
    return this.ink.strokes.map((stroke) => stroke.map((point) => [...point]));
  }

  set strokes(strokes) {
    this.ink.put(strokes);
  }

  /** Remove the last stroke, or restore those of the last clearing or erasing. */
  undo() {
    this.ink.undo();
  }

  /** Remove all strokes. */
  clear() {
    this.ink.clear();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Backspace") this.undo();
    else if (event.key === "Escape") this.clear();
    else return;
    event.preventDefault();
  }

  /** Read the drawing before the next frame. */
  changed() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.read();
    });
    this.showState();
  }

  showState() {
    const empty = !this.ink.strokes.length;
    this.hint.hidden = !empty;
    this.clearButton.disabled = empty;
    this.undoButton.disabled = empty && !this.ink.before;
  }

  read() {
    const start = performance.now();
    const { strokes } = this;
    const reading = readStrokes(strokes, this.expected(), this.lengths());
    const elapsed_ms = performance.now() - start;
    this.reading = { ...reading, strokes, drawing: this.ink.drawing, elapsed_ms };
    this.dispatchEvent(new CustomEvent("reading", { detail: this.reading, bubbles: true, composed: true }));
  }

  /** The attribute `expect`, or null if it is neither "digit" nor "number". */
  expected() {
    const value = this.getAttribute("expect");
    return ["digit", "number"].includes(value) ? value : null;
  }

  /** Least and greatest number of digits; null if there is no attribute `length`, or it is malformed. */
  lengths() {
    const written = /^(\d+)(?:-(\d+))?$/.exec(this.getAttribute("length") ?? "");
    return written && [Number(written[1]), Number(written[2] ?? written[1])];
  }
}

if (!customElements.get("inkwise-pad")) customElements.define("inkwise-pad", InkwisePad);

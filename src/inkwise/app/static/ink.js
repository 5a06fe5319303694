// The drawing canvas: strokes in CSS pixels, from one pointer or the keyboard.

import { drawStrokes } from "./dom.js";

const STEP = 8; // px that an arrow key moves the pen
const FINE_STEP = 2;
const NEAR = 1; // px; closer points are skipped
const ERASER = 14; // px around the eraser within which a stroke is removed
const ERASER_END = 5; // button of the eraser end of a pen
const PEN_REST = 10_000; // ms after the last sign of a pen during which touches are taken for the hand that holds it
const PALM = 60; // px; a wider contact is a palm, a fingertip has some 20 to 40

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Ink {
  /** `onchange(kind, time)`: "grow" while a stroke is drawn, "end" at its end, "edit" when the last strokes are removed or restored, "erase" when others are. */
  constructor(canvas, onchange) {
    this.canvas = canvas;
    this.onchange = onchange;
    this.strokes = [];
    this.before = null; // strokes before the last clearing or erasing
    this.penWidth = 1; // relative to the usual width
    this.erasing = false; // whether the pointer erases
    this.eraser = false; // whether the pointer that is down erases
    this.pointer = null; // id of the pointer that draws
    this.touching = false; // whether that pointer is a touch
    this.penDrawing = false; // whether a stroke of the drawing is by a pen
    this.penSeen = -Infinity; // time of the last event of a pen
    this.cursor = null; // pen of the keyboard, {x, y, down}
    this.held = new Set();
    this.frame = 0;
    this.listen();
  }

  get focused() {
    return this.canvas.getRootNode().activeElement === this.canvas; // the root may be that of a shadow tree
  }

  get drawing() {
    return this.pointer !== null || Boolean(this.cursor?.down);
  }

  listen() {
    const { canvas } = this;
    const on = (name, handler, target = canvas) => target.addEventListener(name, handler);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.up(event));
    on("lostpointercapture", (event) => this.up(event));
    on("mousedown", (event) => event.preventDefault()); // keeps the focus, so that the arrows still choose a digit
    // Otherwise a quick stroke is treated as a fling, and the next tap as its stop.
    canvas.addEventListener("touchmove", (event) => event.cancelable && event.preventDefault(), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
    on("keydown", (event) => this.key(event));
    on("keyup", (event) => this.held.delete(event.key));
    on("focus", () => {
      this.cursor ??= this.pointer === null ? { x: this.width / 2, y: this.height / 4, down: false } : null;
      this.redraw();
    });
    on("blur", () => {
      this.held.clear();
      this.lift();
      this.redraw();
    });
    new ResizeObserver(() => this.resize()).observe(canvas);
    const own = new WeakRef(this); // these outlive the canvas
    on("change", () => own.deref()?.redraw(), matchMedia("(prefers-color-scheme: dark)"));
    on("resize", () => own.deref()?.resize(), window); // the device pixel ratio changes with the zoom
  }

  resize() {
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    if (!this.width) return; // on a hidden tab
    if (!this.drawing) this.fit();
    this.redraw();
  }

  /** Shrink a drawing that exceeds the canvas, as after a phone is turned. */
  fit() {
    if (!this.width) return; // on a hidden tab: `resize` fits it when it is shown
    const points = this.strokes.flat();
    const scale = points.reduce((least, [x, y]) => Math.min(least, this.width / (x + 4), this.height / (y + 4)), 1);
    if (scale < 1) for (const point of points) point.forEach((value, i) => (point[i] = tenth(value * scale)));
  }

  down(event) {
    if (!event.isPrimary || ![0, ERASER_END].includes(event.button) || this.isPalm(event)) return;
    const pen = event.pointerType === "pen";
    if (pen && this.touching) this.abandon(); // the hand lay down before the pen
    if (this.drawing) return;
    event.preventDefault();
    this.touching = event.pointerType === "touch";
    this.eraser = this.erasing || event.button === ERASER_END;
    this.swept = false;
    this.penDrawing ||= pen;
    if (pen) this.penSeen = performance.now();
    if (!this.focused) document.activeElement?.blur();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    if (this.eraser) return this.erase(...this.place(event));
    this.begin(...this.place(event));
    this.changed("grow");
  }

  /** Remove the strokes near a place. */
  erase(x, y) {
    const left = this.strokes.filter((stroke) => stroke.every((point, i) => distance(x, y, point, stroke[i + 1] ?? point) > ERASER));
    if (left.length === this.strokes.length) return;
    if (!this.swept) this.before = this.strokes; // one undo restores all strokes of a movement
    this.swept = true;
    this.strokes = left;
    this.changed("erase");
  }

  /** Whether a touch is of the hand rather than of a fingertip. */
  isPalm({ pointerType, width, height }) {
    if (pointerType !== "touch") return false;
    return this.penDrawing || performance.now() - this.penSeen < PEN_REST || Math.max(width, height) > PALM;
  }

  /** Remove the stroke that is being drawn. */
  abandon() {
    this.stop();
    this.strokes.pop();
    this.changed("edit");
  }

  move(event) {
    if (event.pointerType === "pen") this.penSeen = performance.now(); // also while it hovers
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    if (this.eraser) return (events.length ? events : [event]).forEach((one) => this.erase(...this.place(one)));
    const grew = (events.length ? events : [event]).filter((one) => this.extend(...this.place(one)));
    if (grew.length) this.changed("grow");
  }

  up(event) {
    if (event.pointerId !== this.pointer) return;
    const { eraser } = this;
    this.stop();
    if (!eraser) this.changed("end", event.timeStamp);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left - this.canvas.clientLeft, event.clientY - box.top - this.canvas.clientTop];
  }

  begin(x, y) {
    this.before = null;
    this.strokes.push([[tenth(x), tenth(y)]]);
  }

  extend(x, y) {
    const stroke = this.strokes.at(-1);
    const [lastX, lastY] = stroke.at(-1);
    if (Math.hypot(x - lastX, y - lastY) < NEAR) return false;
    stroke.push([tenth(x), tenth(y)]);
    return true;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.pointer !== null || !this.cursor) return;
    const { cursor } = this;
    if (event.key === " ") {
      event.preventDefault();
      if (event.repeat) return;
      if (cursor.down) return this.lift(event.timeStamp);
      cursor.down = true;
      this.begin(cursor.x, cursor.y);
      this.changed("grow");
    } else if (event.key in ARROWS) {
      event.preventDefault();
      this.held.add(event.key);
      const step = event.shiftKey ? FINE_STEP : STEP;
      const moves = [...this.held].map((key) => ARROWS[key]);
      cursor.x = within(cursor.x + step * Math.sign(sum(moves, 0)), this.width);
      cursor.y = within(cursor.y + step * Math.sign(sum(moves, 1)), this.height);
      if (!cursor.down) return this.redraw();
      if (this.extend(cursor.x, cursor.y)) this.changed("grow");
      else this.redraw();
    }
  }

  /** Lift the pen of the keyboard. */
  lift(time = performance.now()) {
    if (!this.cursor?.down) return;
    this.cursor.down = false;
    this.changed("end", time);
  }

  /** Restore cleared or erased strokes, or remove the last one; false if there are neither. */
  undo() {
    if (this.pointer !== null) return true;
    if (this.cursor) this.cursor.down = false;
    const { before } = this;
    if (before) [this.strokes, this.before] = [before, null];
    else if (this.strokes.length) this.strokes.pop();
    else return false;
    this.changed(before ? "erase" : "edit");
    return true;
  }

  clear() {
    if (!this.strokes.length) return;
    this.before = this.strokes;
    this.strokes = [];
    this.stop();
    this.changed("edit");
  }

  /** Remove saved strokes; one begun since stays. */
  drop(saved) {
    this.strokes = this.strokes.filter((stroke) => !saved.includes(stroke));
    this.before = null;
    this.changed("edit");
  }

  /** Restore strokes. */
  put(strokes) {
    this.strokes = strokes.map((stroke) => stroke.map(([x, y]) => [x, y]));
    this.before = null;
    this.stop();
    this.fit();
    this.changed("edit");
  }

  stop() {
    this.pointer = null;
    this.touching = this.eraser = false;
    if (this.cursor) this.cursor.down = false;
  }

  changed(kind, time) {
    if (!this.strokes.length) this.penDrawing = false;
    this.redraw();
    this.onchange(kind, time);
  }

  redraw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  paint() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.strokeStyle = style.color;
    drawStrokes(context, this.strokes, this.penWidth * Math.max(7, this.height / 30));
    if (this.focused && this.cursor && this.pointer === null) this.paintCursor(context, style);
  }

  paintCursor(context, style) {
    const { x, y, down } = this.cursor;
    context.strokeStyle = style.getPropertyValue("--accent");
    context.fillStyle = style.getPropertyValue("--accent");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, down ? 5 : 10, 0, 2 * Math.PI);
    if (down) context.fill();
    else context.stroke();
  }
}

/** Distance of a place from a segment between two points. */
function distance(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0), 1);
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

const tenth = (value) => Math.round(10 * value) / 10;
const within = (value, size) => Math.min(Math.max(value, 4), size - 4);
const sum = (moves, axis) => moves.reduce((total, move) => total + move[axis], 0);

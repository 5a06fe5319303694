// Creating and finding elements. Text is set by textContent only, since labels and names are user input.

export const $ = (id) => document.getElementById(id);

/** An element: `el("p", { class: "quiet", onclick }, "text", child)`. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** "1 page", "2 pages". */
export const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** "93.3 %"; one decimal place, none at 0 and 100. */
export function percent(share) {
  const value = 100 * share;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} %`;
}

/** "42 of 45 right · 93.3 % (82–98)"; with numbers "42 of 45 digits right · 93.3 % (82–98) · 8 of 9 numbers". */
export function accuracyText({ numbers, ...digits }) {
  if (!digits.n) return "no answers yet";
  const what = numbers?.n ? "digits right" : "right";
  const whole = numbers?.n ? ` · ${numbers.right} of ${numbers.n} numbers` : "";
  return `${digits.right} of ${digits.n} ${what} · ${percent(digits.right / digits.n)} ${interval(digits)}${whole}`;
}

export const interval = ({ low, high }) => (low === null ? "" : `(${Math.round(100 * low)}–${Math.round(100 * high)})`);

/** The [red, green, blue] of a color of the style sheet, such as "--accent", in the present scheme. */
export const color = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).match(/[\da-f]{2}/gi).map((part) => parseInt(part, 16));

/** Draw 784 ink values (base64) on a canvas with a transparent background. */
export function drawGlyph(canvas, base64) {
  canvas.width = canvas.height = 28;
  const context = canvas.getContext("2d");
  if (!base64) return;
  const image = context.createImageData(28, 28);
  const values = atob(base64);
  for (let i = 0; i < 784; i++) image.data[4 * i + 3] = values.charCodeAt(i);
  context.putImageData(image, 0, 0);
}

/** Draw strokes as curves through the midpoints of their points. */
export function drawStrokes(context, strokes, width) {
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  context.fillStyle = context.strokeStyle;
  for (const stroke of strokes) {
    context.beginPath();
    if (stroke.length === 1) { // a tap is a dot; a line of no length would not be drawn
      context.arc(...stroke[0], width / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    context.moveTo(...stroke[0]);
    for (let i = 1; i < stroke.length - 1; i++) {
      const [x, y] = stroke[i];
      const [nextX, nextY] = stroke[i + 1];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    context.lineTo(...stroke[stroke.length - 1]);
    context.stroke();
  }
}

/** The character that a key press types, or null for shortcuts, composition and named keys. */
export function typed(event) {
  if (event.ctrlKey && !event.getModifierState("AltGraph")) return null;
  if (event.metaKey || event.isComposing || event.key === " ") return null;
  return [...event.key].length === 1 ? event.key : null;
}

export const inTextField = (element) =>
  element instanceof Element && element.matches("input:not([type=checkbox]):not([type=file]), textarea, select, [contenteditable]");

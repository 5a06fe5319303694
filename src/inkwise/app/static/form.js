// The form editor: boxes on the scan of an empty form, their fields, and their problems.

import { call, get, post } from "./api.js";
import { $, el, inTextField, svg } from "./dom.js";
import { Fields } from "./fields.js";
import { attempt, showError } from "./notices.js";
import { formId, showSteps } from "./steps.js";

const TEXTS = { "field-name": "name", kind: "kind", cells: "cells", length: "length", range: "range", pattern: "pattern", check: "check", vocabulary: "vocabulary" };
const PLACE = ["x", "y", "w", "h"];
const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];
const SMALL = 6; // px; a shorter drag is a click
const API = formId ? `/api/forms/${formId}/form` : "/api/form";
const WAIT = 250; // ms after the last change until the server checks the form

let fields = null;
let chosen = -1;
let drag = null;
let problems = [];
let changes = 0; // number since the page was opened
let kept = 0; // number of saved changes
let version = null; // version of the file that was read or saved last
let timer = 0;
let asked = 0;

const body = () => ({ name: $("name").value, fields: fields.plain(), version });

function choose(place) {
  if (place === chosen) return;
  chosen = place;
  show();
}

/** Show a change, and have the form checked. */
function changed() {
  changes++;
  $("saved").textContent = "not saved yet";
  show();
  clearTimeout(timer);
  timer = setTimeout(check, WAIT);
}

async function check() {
  const number = ++asked;
  try {
    const answer = await post(`${API}/check`, body());
    if (number === asked) problems = answer.problems;
  } catch (error) {
    if (number === asked) problems = [error.message];
  }
  show();
}

async function save() {
  const now = changes;
  const answer = await attempt(() => call("PUT", API, body()).catch(offerReload));
  if (!answer) return check();
  kept = now;
  version = answer.version;
  if (kept < changes) return undefined; // later changes are not saved yet
  problems = [];
  $("saved").textContent = `saved as ${answer.file}`;
  show();
  return answer;
}

/** Save the fields; then go on to the scans, if this is a form of the app. */
async function saveAndGoOn() {
  if ((await save()) && formId) location.assign(`/forms/${formId}`);
}

/** After a conflict: the fields stay until the user reloads the page. */
function offerReload(error) {
  if (error.status === 409) $("saved").replaceChildren("not saved ", el("button", { class: "plain", onclick: () => location.reload() }, "Reload the page"));
  throw error;
}

// The page

/** Form units per screen pixel, also after a pinch zoom. */
const pixel = () => fields.size[0] / ($("page").clientWidth || 1) / visualViewport.scale;

function show() {
  const focused = $("page").contains(document.activeElement);
  const unit = pixel();
  $("boxes").replaceChildren(...fields.list.map((field, place) => box(field, place, unit)));
  if (focused && chosen >= 0) $("boxes").children[chosen]?.focus({ preventScroll: true });
  $("undo").disabled = !fields.past.length;
  showProblems();
  showChosen();
}

/** Update only on changes, since a screen reader announces each update. */
function showProblems() {
  const shown = [...$("problems").children].map((item) => item.textContent);
  if (shown.join("\n") !== problems.join("\n")) $("problems").replaceChildren(...problems.map((text) => el("li", {}, text)));
}

function box({ name, box: [x, y, w, h], kind, cells }, place, unit) {
  const wrong = problems.some((text) => text.includes(`'${name}'`) || text.includes(`"${name}"`));
  const lines = [];
  const count = kind === "comb" ? Math.min(Number(cells) || 1, 100) : 1;
  for (let cell = 1; cell < count; cell++) {
    const across = x + (cell * w) / count;
    lines.push(svg("line", { x1: across, x2: across, y1: y, y2: y + h }));
  }
  const handles = place === chosen
    ? CORNERS.map(([right, low], corner) => svg("circle", { class: "handle", "data-corner": corner, cx: x + right * w, cy: y + low * h, r: 7 * unit }))
    : [];
  const above = y > 20 * unit;
  return svg("g", {
    class: `place-box${place === chosen ? " chosen" : ""}${wrong ? " problem" : ""}`, "data-place": place, tabindex: 0, role: "button",
    "aria-pressed": String(place === chosen), "aria-label": `field ${name}, ${kind}${wrong ? ", has a problem" : ""}`,
    onfocus: () => choose(place),
  },
  svg("rect", { x, y, width: Math.max(w, 0), height: Math.max(h, 0) }), ...lines,
  svg("text", { x, y: above ? y - 5 * unit : y + h + 15 * unit, "font-size": 14 * unit }, name), ...handles);
}

function point(event) {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform($("page").getScreenCTM().inverse());
  return [x, y];
}

function press(event) {
  if (drag || !event.isPrimary) return abandon(); // a second finger scrolls or zooms the page
  if (event.button !== 0) return undefined;
  const corner = event.target.dataset.corner;
  const place = Number(event.target.closest(".place-box")?.dataset.place ?? -1);
  const from = point(event);
  drag = { pointer: event.pointerId, from, began: [event.clientX, event.clientY], moved: false, place, finger: event.pointerType === "touch" };
  if (corner !== undefined) {
    const [x, y, w, h] = fields.list[place].box;
    const [right, low] = CORNERS[(Number(corner) + 2) % 4];
    drag.fixed = [x + right * w, y + low * h];
  } else if (place >= 0) {
    drag.box = fields.list[place].box;
  }
  choose(place);
  $("page").setPointerCapture(event.pointerId);
  return event.preventDefault();
}

function pull(event) {
  if (drag?.pointer !== event.pointerId) return;
  if (!drag.moved && Math.hypot(event.clientX - drag.began[0], event.clientY - drag.began[1]) < SMALL) return;
  const [x, y] = point(event);
  if (!drag.moved) {
    drag.moved = true;
    fields.remember();
    if (drag.place < 0) [drag.place, drag.fixed, drag.fresh] = [fields.add(fields.between(drag.from, [x, y])), drag.from, true];
  }
  const field = fields.list[drag.place];
  if (drag.fixed) field.box = fields.between(drag.fixed, [x, y]);
  else field.box = fields.within([drag.box[0] + x - drag.from[0], drag.box[1] + y - drag.from[1], drag.box[2], drag.box[3]]);
  chosen = drag.place;
  changed();
}

function release() {
  const { place, fresh, finger } = drag ?? {};
  drag = null;
  if (finger) return; // an on-screen keyboard would hide the page
  if (fresh) nameIt();
  else if (place >= 0) $("boxes").children[place]?.focus({ preventScroll: true });
}

/** Discard a drag that a second finger or the browser interrupts. */
function abandon() {
  if (drag?.moved) undo();
  drag = null;
}

function nameIt() {
  $("field-name").focus({ preventScroll: true });
  $("field-name").select();
}

// The panel

function showChosen() {
  const field = fields.list[chosen];
  $("chosen").hidden = !field;
  if (!field) return;
  for (const [id, key] of Object.entries(TEXTS)) if ($(id).value !== field[key]) $(id).value = field[key];
  for (const [axis, id] of PLACE.entries()) if (Number($(id).value) !== field.box[axis]) $(id).value = field.box[axis];
  $("cells-field").hidden = field.kind !== "comb";
}

function typed(id) {
  const field = fields.list[chosen];
  fields.remember(`${id} ${chosen}`);
  field[TEXTS[id]] = $(id).value;
  if (id === "kind" && field.kind === "comb" && !(Number(field.cells) > 1)) field.cells = ""; // a guess would be read as wrong numbers
  changed();
}

function placed() {
  const numbers = PLACE.map((id) => $(id).valueAsNumber);
  if (numbers.some(Number.isNaN)) return;
  fields.remember(`place ${chosen}`);
  fields.list[chosen].box = numbers;
  changed();
}

function add() {
  fields.remember();
  chosen = fields.add(fields.free());
  changed();
  nameIt();
}

function remove() {
  if (chosen < 0) return;
  fields.remember();
  fields.list.splice(chosen, 1);
  chosen = -1;
  changed();
  $("add").focus();
}

function undo() {
  if (!fields.undo()) return;
  chosen = Math.min(chosen, fields.list.length - 1);
  changed();
}

function key(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    return save();
  }
  if (inTextField(event.target)) return undefined;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") {
    event.preventDefault();
    return undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || chosen < 0) return undefined;
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    return remove();
  }
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step || !$("page").contains(event.target)) return undefined;
  event.preventDefault();
  const by = Math.max(fields.grain, pixel());
  const [x, y, w, h] = fields.list[chosen].box;
  const [dx, dy] = step.map((axis) => axis * by);
  fields.remember(`arrow ${chosen}`);
  fields.list[chosen].box = event.shiftKey ? fields.within([x, y, Math.max(w + dx, by), Math.max(h + dy, by)]) : fields.within([x + dx, y + dy, w, h]);
  return changed();
}

async function start() {
  const state = await attempt(() => get(API));
  if (!state) return;
  const [width, height] = state.size;
  fields = new Fields(state.fields, state.size);
  version = state.version;
  $("file").textContent = formId ? state.name : state.file;
  document.title = `${$("file").textContent} – Inkwise`;
  $("name").value = state.name;
  if (formId) {
    showSteps("fields");
    $("save").textContent = "Save and go on";
    $("saved").textContent = "Next: draw a box for each field, save, and add the filled scans.";
  }
  $("kind").replaceChildren(...state.kinds.map((kind) => el("option", {}, kind)));
  $("check").replaceChildren(el("option", { value: "" }, "none"), ...state.checks.map((rule) => el("option", {}, rule)));
  $("page").setAttribute("viewBox", `0 0 ${width} ${height}`);
  const scan = svg("image", { href: `${API}/scan`, width, height, preserveAspectRatio: "none" });
  scan.addEventListener("error", () => showError("The scan cannot be shown. Is Inkwise still running?"));
  $("page").replaceChildren(scan, svg("g", { id: "boxes" }));

  $("page").addEventListener("pointerdown", press);
  $("page").addEventListener("pointermove", pull);
  $("page").addEventListener("pointerup", release);
  $("page").addEventListener("pointercancel", abandon);
  // Otherwise the browser may treat the end of a quick drag as a fling, and the next tap as its stop.
  $("page").addEventListener("touchmove", (event) => drag && event.cancelable && event.preventDefault(), { passive: false });
  $("page").addEventListener("contextmenu", (event) => drag && event.preventDefault()); // a long press before a drag
  for (const id of Object.keys(TEXTS)) $(id).addEventListener("input", () => typed(id));
  for (const id of PLACE) $(id).addEventListener("input", placed);
  $("name").addEventListener("input", changed);
  $("add").addEventListener("click", add);
  $("delete").addEventListener("click", remove);
  $("undo").addEventListener("click", undo);
  $("save").addEventListener("click", saveAndGoOn);
  addEventListener("keydown", key);
  new ResizeObserver(show).observe($("page"));
  visualViewport.addEventListener("resize", show);
  addEventListener("beforeunload", (event) => kept < changes && event.preventDefault());
  show();
}

// Hide the token from the address bar; a cookie has it now.
if (location.search) history.replaceState(null, "", location.pathname);
start();

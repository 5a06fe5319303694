// The Draw tab: draw, read, correct, next.

import { post } from "./api.js";
import { $, drawGlyph, el } from "./dom.js";
import { Ink } from "./ink.js";
import { LabelRow } from "./labels.js";
import { attempt, clearError, showError, toast } from "./notices.js";
import { Reader } from "./reader.js";
import { onSession, refresh, session, tookAccuracy } from "./session.js";
import { trial } from "./trial.js";

let reading = null;
let selected = 0;
let chosenByHand = false;
let single = false; // take all strokes for one sign
let saving = false;
let endedAt = null; // when the stroke ended whose reading is awaited
const corrections = new Map(); // by the digit's strokes, so that they outlive the next reading

const ink = new Ink($("ink"), (kind, time) => {
  if (kind === "end") endedAt = time;
  if (kind === "edit") {
    endedAt = null;
    if (!ink.strokes.length) forget();
    for (const numbers of corrections.keys()) {
      if (numbers.split(",").some((number) => number >= ink.strokes.length)) corrections.delete(numbers);
    }
    reader.changed();
  } else {
    if (kind === "end") reader.ended();
    else reader.grew();
    tellLatency();
  }
  $("reading").setAttribute("aria-busy", String(ink.drawing));
  $("hint").hidden = ink.strokes.length > 0;
  $("next").disabled = !ink.strokes.length;
});

const reader = new Reader(
  () => {
    const { strokes } = ink;
    if (!strokes.length) return null;
    return post("/api/read", { writer: session.writer, strokes, single: single || trial.active });
  },
  (answer) => {
    reading = answer;
    if (answer) clearError();
    if (!chosenByHand || selected >= digits().length) selected = Math.max(0, digits().findIndex((digit) => !digit.accepted));
    show();
    tellLatency();
  },
  (error) => {
    showError(error);
    show();
  },
);

const labelRow = new LabelRow($("label-row"), (label) => say(label), "other-label");

const digits = () => reading?.digits ?? [];
const key = (digit) => (digit.strokes ?? []).join();
const labelOf = (digit) => corrections.get(key(digit)) ?? digit.label;

/** From a stroke's end to its reading, for whoever measures it. */
function tellLatency() {
  if (endedAt === null || reader.shown !== reader.wanted) return;
  $("reading").dataset.latencyMs = (performance.now() - endedAt).toFixed(1);
  endedAt = null;
}

function forget() {
  corrections.clear();
  chosenByHand = false;
  single = false;
}

function show() {
  const all = digits();
  const digit = all[selected];
  $("result").hidden = $("teach").hidden = trial.active;
  $("hint").textContent = trial.active ? `draw a ${trial.ask}` : "draw a digit, or a number";
  $("result").classList.toggle("empty", !digit);
  $("reading").replaceChildren(...all.map((one) =>
    el("span", { class: one.accepted || corrections.has(key(one)) ? "sure" : "unsure" }, labelOf(one))));
  $("reason").textContent = reason(all);
  drawGlyph($("glyph"), digit?.glyph);
  showChips(all);
  labelRow.show(session.state?.labels ?? [], digit?.alternatives, digit && labelOf(digit));
  $("ask-label").textContent = all.length > 1 ? "Wrong? Tap the digit, then what it is." : digit ? "Wrong? Tap or type what it is." : "\u00a0";
}

function reason(all) {
  if (!ink.strokes.length) return "It is read while you draw. If it is wrong, one tap corrects it, and it learns your hand.";
  if (!all.length) return reading?.reason ?? "";
  if (reading.accepted) return `${(100 * reading.confidence).toFixed(reading.confidence > 0.9995 ? 0 : 1)} % sure`;
  const { doubt } = all[selected];
  return `${reading.reason ?? "not sure"}${all.length > 1 && doubt ? `: ${doubt}` : ""}`;
}

function showChips(all) {
  const box = $("chips");
  box.hidden = all.length < 2;
  if (box.hidden) return box.replaceChildren();
  const chips = all.map((digit, i) => {
    const label = corrections.get(key(digit));
    const changed = label !== undefined && label !== digit.label;
    const text = changed ? [el("s", {}, digit.label), " → ", el("b", {}, label)] : [digit.label];
    const state = changed ? "corrected" : digit.accepted || label !== undefined ? "sure" : "unsure";
    const name = `digit ${i + 1}: ${changed ? `${digit.label}, corrected to ${label}` : digit.label}${digit.doubt ? `, ${digit.doubt}` : ""}`;
    return el("button", { class: `chip ${state}`, "aria-pressed": String(i === selected), "aria-label": name, onclick: () => choose(i) }, ...text);
  });
  const join = el("button", { id: "join", class: "plain", title: "All strokes are one sign", onclick: joinStrokes }, "It is one sign");
  box.replaceChildren(...chips, join);
}

function choose(i) {
  if (i < 0 || i >= digits().length) return;
  selected = i;
  chosenByHand = true;
  show();
}

function joinStrokes() {
  single = true;
  corrections.clear();
  reader.changed();
}

/** The selected digit is truly this: a single one is saved at once. */
async function say(label) {
  if (trial.active || saving || ink.drawing || !ink.strokes.length) return;
  if (!(await reader.settled()) || !digits().length) return;
  corrections.set(key(digits()[selected]), label);
  if (digits().length === 1) return keep();
  choose(Math.min(selected + 1, digits().length - 1));
  show();
}

/** Right, next. */
async function next() {
  ink.lift();
  if (saving || ink.drawing || !ink.strokes.length) return;
  if (await reader.settled()) await keep();
}

/** Save what is shown; the drawing goes only when the server has it. */
async function keep() {
  if (saving || !digits().length) return;
  saving = true;
  $("next").setAttribute("aria-busy", "true");
  const strokes = [...ink.strokes];
  const asked = trial.active ? trial.ask : null;
  const answers = digits().map((digit) => ({
    label: asked ?? labelOf(digit),
    strokes: asked === null && digit.strokes ? digit.strokes.map((i) => strokes[i]) : strokes,
    answer: digit.label,
    probability: digit.probability,
    model: reading.model,
  }));
  const kept = await attempt(() => post("/api/samples", { writer: session.writer, source: asked === null ? "canvas" : "trial", answers }));
  saving = false;
  $("next").removeAttribute("aria-busy");
  if (!kept) return;
  ink.drop(strokes);
  forget(); // a stroke drawn meanwhile has another number now
  if (document.activeElement !== document.body && $("panel-draw").contains(document.activeElement)) $("ink").focus();
  document.querySelector(".paper").scrollIntoView({ block: "nearest" }); // on a phone the labels may have been scrolled to
  tookAccuracy(kept.accuracy);
  refresh();
  if (asked === null) {
    toast(`saved as ${answers.map((answer) => answer.label).join("")}`, "Undo", () => takeBack(answers.length));
  } else {
    trial.answered(answers[0]);
  }
}

/** Undo the last answers; the drawing comes back, to be answered again. */
async function takeBack(count = 1) {
  const back = [];
  let last = null;
  await attempt(async () => {
    for (let i = 0; i < count; i++) {
      const { sample, accuracy } = await post("/api/undo", { writer: session.writer });
      tookAccuracy(accuracy);
      if (!sample) break;
      last = sample;
      if (sample.deleted) back.unshift(...(sample.strokes ?? []));
    }
  });
  refresh();
  if (!last) return toast("nothing left to undo");
  if (trial.active) trial.load();
  else if (back.length && !ink.strokes.length) ink.put(back);
  toast(last.deleted ? "the answer was taken back" : `undone: it is a ${last.label} again`);
}

/** A key that is held takes back strokes, never answer after answer. */
const undo = (held = false) => ink.undo() || held || takeBack();

/** Keys that work wherever the focus is, but in a text field. */
export function drawKey(event, character) {
  if (character !== null) say(character);
  else if (event.key === "Enter") next();
  else if (event.key === "Escape") ink.clear();
  else if (event.key === "Backspace") undo(event.repeat);
  else if (event.key === "ArrowLeft") choose(selected - 1);
  else if (event.key === "ArrowRight") choose(selected + 1);
  else return false;
  return true;
}

export function startDraw() {
  $("undo").addEventListener("click", () => undo());
  $("clear").addEventListener("click", () => ink.clear());
  $("next").addEventListener("click", next);
  $("keys").addEventListener("click", () => $("keys-dialog").showModal());
  trial.start((anew) => {
    if (anew) ink.clear();
    show();
  });
  let seen = null;
  onSession(({ writer, state }) => {
    const who = `${writer}\n${state.model}\n${state.version}`;
    if (seen !== null && seen !== who && ink.strokes.length) reader.changed();
    seen = who;
    show();
  });
  show();
}

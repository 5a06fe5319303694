// The Draw tab: draw, read, correct, next.

import { keep, newId, undo, undone } from "./answers.js";
import { post } from "./api.js";
import { $, drawGlyph, el } from "./dom.js";
import { Ink } from "./ink.js";
import { LabelRow } from "./labels.js";
import { clearError, showError, toast } from "./notices.js";
import { Reader } from "./reader.js";
import { onSession, session } from "./session.js";
import { trial } from "./trial.js";

let reading = null;
let selected = 0;
let chosenByHand = false;
let single = false; // take all strokes for one sign
let saving = false;
let endedAt = null; // when the stroke ended whose reading is awaited
const corrections = new Map(); // by the digit's strokes, so that they outlive the next reading
const ids = new Map(); // likewise: those of the samples that were sent, so that none is kept twice where the reply was lost

const ink = new Ink($("ink"), (kind, time) => {
  if (kind === "end") endedAt = time;
  if (kind === "edit") {
    endedAt = null;
    if (!ink.strokes.length) forget();
    for (const known of [corrections, ids]) {
      for (const numbers of known.keys()) {
        if (numbers.split(",").some((number) => number >= ink.strokes.length)) known.delete(numbers);
      }
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
    clearError("reading");
    selected = place(digits());
    show();
    tellLatency();
  },
  (error) => {
    showError(error, "reading");
    show();
  },
);

const labelRow = new LabelRow($("label-row"), (label) => say(label), "other-label");

const digits = () => reading?.digits ?? [];
const key = (digit) => (digit.strokes ?? []).join();
/** Which digit is meant: the one that was chosen, else the first that is in doubt. */
const place = (all) => (chosenByHand && selected < all.length ? selected : Math.max(0, all.findIndex((digit) => !digit.accepted)));
const labelOf = (digit) => corrections.get(key(digit)) ?? digit.label;

/** From a stroke's end to its reading, for whoever measures it. */
function tellLatency() {
  if (endedAt === null || reader.shown !== reader.wanted) return;
  $("reading").dataset.latencyMs = (performance.now() - endedAt).toFixed(1);
  endedAt = null;
}

function forget() {
  corrections.clear();
  ids.clear();
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
  labelRow.show(session.state.labels, digit?.alternatives, digit && labelOf(digit));
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
  box.hidden = all.length < 2 && !single;
  if (box.hidden) return box.replaceChildren();
  const chips = single ? [] : all.map((digit, i) => {
    const label = corrections.get(key(digit));
    const changed = label !== undefined && label !== digit.label;
    const text = changed ? [el("s", {}, digit.label), " → ", el("b", {}, label)] : [digit.label];
    const state = changed ? "corrected" : digit.accepted || label !== undefined ? "sure" : "unsure";
    const name = `digit ${i + 1}: ${changed ? `${digit.label}, corrected to ${label}` : digit.label}${digit.doubt ? `, ${digit.doubt}` : ""}`;
    return el("button", { class: `chip ${state}`, "aria-pressed": String(i === selected), "aria-label": name, onclick: () => choose(i) }, ...text);
  });
  const join = el("button", { id: "join", class: "plain", onclick: joinStrokes }, single ? "Several digits" : "It is one sign");
  box.replaceChildren(...chips, join);
}

function choose(i) {
  if (i < 0 || i >= digits().length) return;
  selected = i;
  chosenByHand = true;
  show();
}

/** Take all strokes for one sign, or again for what stands beside each other. */
function joinStrokes() {
  single = !single;
  corrections.clear();
  reader.changed();
}

/** The drawing as it is now, with its reading; null where there is none to be had, or where something else is meant by then. */
async function settled() {
  const { writer } = session;
  const now = { writer, single, asked: trial.active ? trial.ask : null, strokes: [...ink.strokes] };
  const answer = await reader.settled();
  // What was begun since is another drawing, and does not count.
  const same = writer === session.writer && now.single === single && now.strokes.every((stroke, i) => ink.strokes[i] === stroke);
  return answer?.digits.length && same && !saving ? { ...now, reading: answer } : null;
}

/** The selected digit is truly this: a single one is saved at once. */
async function say(label) {
  if (trial.active || saving || ink.drawing || !ink.strokes.length) return;
  const drawing = await settled();
  if (!drawing) return;
  const all = drawing.reading.digits;
  const at = place(all);
  corrections.set(key(all[at]), label);
  if (all.length === 1) await save(drawing);
  else choose(Math.min(at + 1, all.length - 1));
}

/** Right, next. */
async function next() {
  ink.lift();
  if (saving || ink.drawing || !ink.strokes.length) return;
  const drawing = await settled();
  if (drawing) await save(drawing);
}

/** Save a drawing as it was read; it goes only when the server has it. */
async function save({ writer, asked, strokes, reading: { digits: all, model } }) {
  saving = true;
  $("next").setAttribute("aria-busy", "true");
  const answers = all.map((digit) => {
    if (!ids.has(key(digit))) ids.set(key(digit), newId());
    return {
      id: ids.get(key(digit)),
      label: asked ?? labelOf(digit),
      strokes: asked === null && digit.strokes ? digit.strokes.map((i) => strokes[i]) : strokes,
      answer: digit.label,
      probability: digit.probability,
      model,
    };
  });
  const kept = await keep(writer, asked === null ? "canvas" : "trial", answers);
  saving = false;
  $("next").removeAttribute("aria-busy");
  if (!kept) return;
  ink.drop(strokes);
  forget(); // a stroke drawn meanwhile has another number now
  if (document.activeElement !== document.body && $("panel-draw").contains(document.activeElement)) $("ink").focus();
  document.querySelector(".paper").scrollIntoView({ block: "nearest" }); // on a phone the labels may have been scrolled to
  if (asked !== null) trial.answered(answers[0]);
  else if (writer === session.writer) toast(`saved as ${answers.map((answer) => answer.label).join("")}`, "Undo", () => takeBack(writer, answers.map((answer) => answer.id)));
}

/** Undo these answers, or the last step; a drawing comes back, to be answered again. */
async function takeBack(writer, which) {
  const back = await undo(writer, which);
  if (!back || writer !== session.writer) return;
  const strokes = back.flatMap((sample) => (sample.deleted ? (sample.strokes ?? []) : []));
  if (trial.active) trial.load();
  else if (strokes.length && !ink.strokes.length) ink.put(strokes);
  toast(undone(back));
}

/** A key that is held takes back strokes, never answer after answer. */
function undoLast(held = false) {
  if (!saving && !ink.undo() && !held) takeBack(session.writer);
}

/** Keys that work wherever the focus is, but in a text field. */
export function drawKey(event, character) {
  if (character !== null) say(character);
  else if (event.key === "Enter") next();
  else if (event.key === "Escape") ink.clear();
  else if (event.key === "Backspace") undoLast(event.repeat);
  else if (event.key === "ArrowLeft") choose(selected - 1);
  else if (event.key === "ArrowRight") choose(selected + 1);
  else return false;
  return true;
}

export function startDraw() {
  $("undo").addEventListener("click", () => undoLast());
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
    if (seen !== who) {
      ids.clear();
      if (ink.strokes.length) reader.changed();
    }
    seen = who;
    show();
  });
  show();
}

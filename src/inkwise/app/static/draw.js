// The Draw tab: draw, read, correct, confirm.

import { keep, newId, undo } from "./answers.js";
import { post } from "./api.js";
import { $, drawGlyph, el } from "./dom.js";
import { startExample } from "./example.js";
import { Ink } from "./ink.js";
import { joined, LabelRow, largeLabel, likeliest, NOT_A_DIGIT, short, sureness } from "./labels.js";
import { clearError, showError, toast } from "./notices.js";
import { Reader } from "./reader.js";
import { onSession, session } from "./session.js";
import { trial } from "./trial.js";
import { explain, startWhy } from "./why.js";

const KEY = "inkwise.drawing"; // the drawing of this tab, which a reload restores
const PEN = "inkwise.pen-width";
const LONG = 5; // digits of a number up to which its chips stand beside it; more are no single character either

let reading = null;
let selected = 0;
let chosen = false;
let single = false; // read all strokes as one character
let saving = false;
let endedAt = null; // end of the stroke whose reading is pending
const corrections = new Map(); // labels by the digit's strokes, so that they outlive the next reading
const ids = new Map(); // ids of the sent samples by strokes, so that none is kept twice after a lost reply

const ink = new Ink($("ink"), (kind, time) => {
  if (kind !== "grow") sessionStorage.setItem(KEY, JSON.stringify(ink.strokes));
  if (kind === "end") endedAt = time;
  if (kind === "edit" || kind === "erase") {
    endedAt = null;
    if (!ink.strokes.length || kind === "erase") forget(); // other strokes have other indices now
    for (const known of [corrections, ids]) {
      for (const numbers of known.keys()) {
        if (numbers.split(",").some((number) => number < 0 || number >= ink.strokes.length)) known.delete(numbers);
      }
    }
    reader.changed();
  } else {
    if (kind === "end") reader.ended();
    else reader.grew();
    showLatency();
  }
  $("reading").setAttribute("aria-busy", String(ink.drawing));
  $("hint").hidden = ink.strokes.length > 0;
  $("next").disabled = !ink.strokes.length;
});

const reader = new Reader(
  () => {
    const { strokes } = ink;
    if (!strokes.length) return null;
    const letters = session.letters && !trial.active;
    return post("/api/read", { writer: session.writer, strokes, letters, expect: single || trial.active ? "digit" : null });
  },
  (answer) => {
    reading = answer;
    clearError("reading");
    selected = target(digits());
    show();
    showLatency();
  },
  (error) => {
    showError(error, "reading");
    show();
  },
);

const labelRow = new LabelRow($("label-row"), (label) => correct(label), "other-label");

const digits = () => reading?.digits ?? [];
/** The key of a digit among the corrections: its strokes, or its place if it shares a stroke with another one. */
const key = (digit, i) => digit.strokes?.join() || String(-1 - i);
/** Index of the digit to correct: the chosen one, or the first that is not accepted. */
const target = (all) => (chosen && selected < all.length ? selected : Math.max(0, all.findIndex((digit) => !digit.accepted)));
const labelOf = (digit, i) => corrections.get(key(digit, i)) ?? digit.answer;

/** Publish the time from the end of a stroke to its reading, for benchmarks. */
function showLatency() {
  if (endedAt === null || reader.shown !== reader.wanted) return;
  $("reading").dataset.latencyMs = (performance.now() - endedAt).toFixed(1);
  endedAt = null;
}

function forget() {
  corrections.clear();
  ids.clear();
  chosen = false;
  single = false;
}

function show() {
  const all = digits();
  const digit = all[selected];
  $("result").hidden = $("teach").hidden = $("why").hidden = trial.active;
  $("hint-what").textContent = `Draw a ${trial.active ? trial.ask : session.letters ? "character, or a word" : "digit, or a number"}`;
  $("hint-more").hidden = trial.active;
  $("result").classList.toggle("empty", !digit);
  $("result").classList.toggle("long", all.length > LONG);
  $("reading").style.setProperty("--count", Math.max(all.length, 4));
  $("reading").replaceChildren(...all.map((one, i) =>
    largeLabel(labelOf(one, i), one.accepted || corrections.has(key(one, i)), all.length === 1)));
  $("reason").textContent = reason(all);
  drawGlyph($("glyph"), digit?.glyph);
  showChips(all);
  labelRow.show(likeliest(digit), digit?.alternatives, digit && labelOf(digit, selected));
  labelRow.field.placeholder = all.length > 1 ? "number, other …" : "other …";
  $("ask-label").textContent = all.length > 1 ? "Wrong? Select a digit, then the right label, or type the number."
    : digit?.answer === NOT_A_DIGIT ? "Is it a digit? Tap or type which." : digit ? "Wrong? Tap or type the right label." : "\u00a0";
  explain(digit);
}

function reason(all) {
  if (!all.length) return (ink.strokes.length && reading?.reason) || "\u00a0";
  if (reading.accepted) return `${(100 * reading.confidence).toFixed(reading.confidence > 0.9995 ? 0 : 1)} % sure`;
  if (all.length === 1 && all[0].doubt) return sureness(all[0]);
  const { doubt } = all[selected];
  return `${reading.reason ?? "not sure"}${all.length > 1 && doubt ? `: ${doubt}` : ""}`;
}

function showChips(all) {
  const box = $("chips");
  box.hidden = all.length < 2 && !single;
  if (box.hidden) return box.replaceChildren();
  const chips = single ? [] : all.map((digit, i) => {
    const label = corrections.get(key(digit, i));
    const changed = label !== undefined && label !== digit.answer;
    const text = changed ? [el("s", {}, short(digit.answer)), " → ", el("b", {}, short(label))] : [short(digit.answer)];
    const state = changed ? "corrected" : digit.accepted || label !== undefined ? "sure" : "unsure";
    const name = `digit ${i + 1}: ${changed ? `${digit.answer}, corrected to ${label}` : digit.answer}${digit.doubt && digit.doubt !== digit.answer ? `, ${digit.doubt}` : ""}`;
    return el("button", { class: `chip ${state}`, "aria-pressed": String(i === selected), "aria-label": name, onclick: () => choose(i) }, ...text);
  });
  const join = all.length > LONG ? null : el("button", { id: "join", class: "plain", onclick: joinStrokes }, single ? "Read as several digits" : "Read as one character");
  const focused = [...box.children].indexOf(document.activeElement);
  box.replaceChildren(...chips, ...(join ? [join] : []));
  box.children[focused]?.focus();
}

function choose(i) {
  if (i < 0 || i >= digits().length) return;
  selected = i;
  chosen = true;
  show();
}

/** Toggle between reading all strokes as one character and as separate digits. */
function joinStrokes() {
  single = !single;
  corrections.clear();
  reader.changed();
}

/** The current drawing with its reading; null if there is none, or if it is outdated when it arrives. */
async function settled() {
  const { writer } = session;
  const now = { writer, single, asked: trial.active ? trial.ask : null, strokes: [...ink.strokes] };
  const answer = await reader.settled();
  // Strokes begun since belong to the next drawing.
  const same = writer === session.writer && now.single === single && now.strokes.every((stroke, i) => ink.strokes[i] === stroke);
  return answer?.digits.length && same && !saving ? { ...now, reading: answer } : null;
}

/** The digits of a number that is typed in place of the one that was read, or null. */
const numberTyped = (label, all) => (all.length > 1 && /^\d[\d\s.,:/-]*\d$/.test(label) ? label.replace(/\D/g, "") : null);

/** Set the label of the selected digit, or of all by the text of the number; a complete answer is saved at once. Resolves to false if the text is rejected. */
async function correct(label) {
  if (trial.active || saving || ink.drawing || !ink.strokes.length) return;
  const drawing = await settled();
  if (!drawing) return;
  const all = drawing.reading.digits;
  const number = numberTyped(label, all);
  if (number !== null) {
    if (number.length !== all.length) {
      showError(`${number} has ${number.length} digits, but ${all.length} were read: write them farther apart`);
      return false;
    }
    all.forEach((digit, i) => corrections.set(key(digit, i), number[i]));
    return save(drawing);
  }
  const at = target(all);
  corrections.set(key(all[at], at), label);
  if (all.length === 1) return save(drawing);
  return choose(Math.min(at + 1, all.length - 1));
}

/** Confirm the reading. */
async function confirm() {
  ink.lift();
  if (saving || ink.drawing || !ink.strokes.length) return;
  const drawing = await settled();
  if (drawing) await save(drawing);
}

/** Save a drawing; it is removed once the server has it. */
async function save({ writer, asked, strokes, reading: { digits: all, model } }) {
  saving = true;
  $("next").setAttribute("aria-busy", "true");
  const answers = all.map((digit, i) => {
    const own = asked === null ? digit.strokes.map((each) => strokes[each]) : strokes;
    if (!ids.has(key(digit, i))) ids.set(key(digit, i), newId());
    return {
      id: ids.get(key(digit, i)),
      label: asked ?? labelOf(digit, i),
      ...(own.length ? { strokes: own } : { glyph: digit.glyph }),
      answer: digit.answer,
      probability: digit.answer_probability,
      model,
      number_id: digit.number_id,
    };
  });
  const kept = await keep(writer, asked === null ? "canvas" : "trial", answers);
  saving = false;
  $("next").removeAttribute("aria-busy");
  if (!kept) return show(); // the corrections stay, and are seen
  ink.drop(strokes);
  forget(); // a stroke drawn meanwhile has another index now
  if (document.activeElement !== document.body && $("panel-draw").contains(document.activeElement)) $("ink").focus();
  document.querySelector(".paper").scrollIntoView({ block: "nearest" }); // on a phone the page may be scrolled to the labels
  if (asked !== null) trial.answered(answers[0]);
  else if (writer === session.writer) toast(`saved as ${joined(answers.map((answer) => answer.label))}`, "Undo", () => undoAnswers(writer, answers.map((answer) => answer.id)));
}

/** Undo these answers, or the last step, and restore their drawing. */
async function undoAnswers(writer, which) {
  const back = await undo(writer, which);
  if (!back || writer !== session.writer) return;
  const strokes = back.samples.flatMap((sample) => (sample.deleted ? (sample.strokes ?? []) : []));
  if (trial.active) trial.load();
  else if (strokes.length && !ink.strokes.length) ink.put(strokes);
  toast(back.message);
}

/** Undo the last stroke or answer, in a test only those of the test; a held key undoes strokes only. */
function undoLast(held = false) {
  if (saving || ink.undo() || held) return;
  if (trial.active && !trial.state.n) toast("nothing left to undo in this test");
  else undoAnswers(session.writer);
}

/** Handle a key outside of text fields. */
export function drawKey(event, character) {
  if (character !== null) correct(character);
  else if (event.key === "Enter") confirm();
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
  $("next").addEventListener("click", confirm);
  $("erase").addEventListener("click", () => {
    ink.erasing = !ink.erasing;
    $("erase").setAttribute("aria-pressed", String(ink.erasing));
  });
  const pen = $("pen");
  pen.value = localStorage.getItem(PEN) ?? "1";
  ink.penWidth = Number(pen.value) || 1;
  pen.addEventListener("change", () => {
    localStorage.setItem(PEN, pen.value);
    ink.penWidth = Number(pen.value);
    pen.blur();
    ink.redraw();
  });
  startWhy();
  $("help").addEventListener("click", () => $("help-dialog").showModal());
  trial.start((anew) => {
    if (anew) ink.put([]);
    show();
  });
  let seen = null;
  onSession(({ writer, state }) => {
    const who = `${writer}\n${state.model}\n${state.version}`; // the model tells whether letters are read
    if (seen !== who) {
      ids.clear();
      if (ink.strokes.length) reader.changed();
    }
    seen = who;
    show();
  });
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
  if (kept.length) ink.put(kept);
  show();
  startExample(ink);
}

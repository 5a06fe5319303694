// The Pictures tab: images with boxes and readings, corrected by tapping.

import { keep, newId, undo } from "./answers.js";
import { call, query } from "./api.js";
import { $, drawGlyph, el } from "./dom.js";
import { acceptFiles, checkSize } from "./dropped-files.js";
import { LabelRow, largeLabel, likeliest, short, sureness } from "./labels.js";
import { attempt, showError, toast } from "./notices.js";
import { enqueue, startQueue } from "./picture-queue.js";
import { onSession, refresh, session } from "./session.js";

const REACH = 22; // px; maximum distance of a tap from the box it selects
const MOST = 500; // answers in one request

// {name, url, reading, labels: Map digit -> saved label, ids: Map digit -> sample id, steps: [{writer, ids}]}
const pictures = [];
const typed = []; // labels that wait for the one before them to be saved
let stays = false; // whether the picture stays in view when the next one has been read
let place = -1;
let selected = -1;
let saving = false;

const labelRow = new LabelRow($("picture-labels"), (label) => correct(label), "picture-other-label");
const shown = () => pictures[place];
const digits = () => shown()?.reading.digits ?? [];

async function read(file, page, signal) {
  const { name } = file;
  checkSize(file, session.state.limits.upload_bytes);
  // Without a type: the server detects the format.
  const body = new Blob([file]);
  const path = `/api/picture${query({ writer: session.writer, letters: session.letters, page })}`;
  const reading = await call("POST", path, body, signal).catch((error) => {
    throw new Error(error.message.includes(name) ? error.message : `${name}: ${error.message}`);
  });
  pictures.push({
    name: reading.pages > 1 ? `${name}, page ${page}` : name,
    url: reading.image ?? URL.createObjectURL(file),
    reading, labels: new Map(), ids: new Map(), steps: [],
  });
  if (stays) show();
  else open(pictures.length - 1);
  return reading.pages;
}

async function readSample() {
  stays = false;
  const picture = await fetch("/static/sample.jpg");
  enqueue([new File([await picture.blob()], "sample.jpg")], read);
}

function open(i) {
  if (!pictures[i]) return;
  place = i;
  selected = digits().findIndex((digit) => !digit.accepted);
  if (selected < 0 && digits().length) selected = 0;
  $("shot").src = shown().url;
  show();
}

function show() {
  const picture = shown();
  $("picture").hidden = !picture;
  $("drop").classList.toggle("small", Boolean(picture));
  if (!picture) return;
  const { reading } = picture;
  $("picture-nav").hidden = pictures.length < 2;
  $("picture-place").textContent = `${place + 1} of ${pictures.length}: ${picture.name}`;
  $("picture-back").disabled = place === 0;
  $("picture-on").disabled = place === pictures.length - 1;
  showBoxes(picture);
  const open = digits().filter((digit, i) => digit.accepted && !picture.labels.has(i)).length;
  const saved = picture.labels.size;
  $("all-right").hidden = !open;
  $("all-right").textContent = saved ? "Confirm the rest" : "Confirm all";
  $("picture-note").textContent = digits().length ? note(reading, saved) : (reading.reason ?? "no digits found");
  $("picture-text").textContent = text(picture);
  showDigit(picture);
}

function note({ digits: all, reason }, saved) {
  const unsure = all.filter((digit) => !digit.accepted).length;
  const parts = [`${all.length} found`];
  if (unsure) parts.push(`${unsure} not sure`);
  else if (reason) parts.push(reason); // of a number, or of the picture as a whole
  if (saved) parts.push(saved === all.length ? "all saved" : `${saved} saved`);
  return parts.join(", ");
}

/** The text of the reading with corrected labels. */
function text({ reading, labels }) {
  let rest = reading.text; // a label or "?" for each digit, with separators and white space between them
  let out = "";
  for (const [i, digit] of reading.digits.entries()) {
    const was = digit.accepted ? digit.label : "?";
    const at = Math.max(rest.indexOf(was), 0);
    out += rest.slice(0, at) + short(labels.get(i) ?? was);
    rest = rest.slice(at + was.length);
  }
  return out + rest;
}

function showBoxes(picture) {
  const { width, height } = picture.reading;
  const stage = $("stage");
  stage.style.setProperty("--width", width);
  stage.style.setProperty("--height", height);
  const focused = document.activeElement.closest?.(".box")?.dataset.digit;
  for (const box of stage.querySelectorAll(".box")) box.remove();
  stage.append(...digits().map((digit, i) => {
    const [x, y, w, h] = digit.box;
    const saved = picture.labels.get(i);
    const label = saved ?? digit.answer;
    const state = saved !== undefined ? "saved" : digit.accepted ? "sure" : "unsure";
    return el("button", {
      class: `box ${state}`, "data-digit": i, "aria-pressed": String(i === selected),
      "aria-label": `digit ${i + 1}: ${label}${saved !== undefined ? ", saved" : digit.doubt && digit.doubt !== label ? `, ${digit.doubt}` : ""}`,
      "--x": x / width, "--y": y / height, "--w": w / width, "--h": h / height,
    }, el("span", {}, short(label)));
  }));
  stage.querySelector(`[data-digit="${focused}"]`)?.focus();
}

function showDigit({ reading, labels }) {
  const digit = reading.digits[selected];
  $("picture-teach").hidden = !digit;
  if (!digit) return;
  const saved = labels.get(selected);
  drawGlyph($("picture-glyph"), digit.glyph);
  $("picture-reading").replaceChildren(largeLabel(saved ?? digit.answer, digit.accepted || saved !== undefined, true));
  $("picture-reason").textContent = saved !== undefined ? `saved as ${saved}` : sureness(digit);
  labelRow.show(likeliest(digit), digit.alternatives, saved ?? digit.answer);
}

function choose(i) {
  if (!digits()[i]) return;
  stays = true;
  selected = i;
  show();
}

/** Choose the box at a pointer position, or the nearest one within reach. */
function chooseAt({ clientX, clientY }) {
  const [nearest] = [...$("stage").querySelectorAll(".box")].map((box) => {
    const { left, right, top, bottom } = box.getBoundingClientRect();
    return {
      digit: Number(box.dataset.digit),
      outside: Math.hypot(Math.max(left - clientX, 0, clientX - right), Math.max(top - clientY, 0, clientY - bottom)),
      off: Math.hypot(clientX - (left + right) / 2, clientY - (top + bottom) / 2), // decides where boxes overlap
    };
  }).sort((a, b) => a.outside - b.outside || a.off - b.off);
  if (nearest && nearest.outside <= REACH) choose(nearest.digit);
}

/** Set the label of the selected digit, after those that were typed before; if one cannot be saved, the rest is dropped. */
async function correct(label) {
  stays = true;
  if (typed.push(label) > 1) return;
  while (typed.length) {
    if (await setLabel(typed[0])) typed.shift();
    else typed.length = 0;
  }
}

/** Set the label of the selected digit; a saved one is relabelled. Resolves to whether it was saved. */
async function setLabel(label) {
  const picture = shown();
  if (saving || !digits()[selected]) return false;
  const digit = selected;
  if (!(picture.labels.has(digit) && (await relabel(picture, digit, label)))) await save(picture, [digit], () => label);
  const following = digits().findIndex((each, i) => i > digit && !each.accepted && !picture.labels.has(i));
  const saved = picture.labels.get(digit) === label;
  if (picture === shown() && saved && following >= 0) selected = following;
  show();
  return saved;
}

/** Relabel a sample; false if it no longer exists. */
async function relabel(picture, digit, label) {
  const id = picture.ids.get(digit);
  saving = true;
  const sample = await attempt(async () => {
    try {
      return await call("PATCH", `/api/samples/${id}`, { label });
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  });
  saving = false;
  if (sample === null) {
    forget(picture, digit);
    return false;
  }
  if (sample) {
    picture.labels.set(digit, sample.label);
    refresh();
    offerUndo(picture, { writer: sample.writer, ids: [id] }, `saved as ${sample.label}`);
  }
  return true;
}

/** Forget a sample that was undone elsewhere, so that it can be saved again. */
function forget(picture, digit) {
  const id = picture.ids.get(digit);
  picture.labels.delete(digit);
  picture.ids.delete(digit);
  picture.steps = picture.steps.filter((step) => !step.ids.includes(id));
}

/** Discard unsaved ids, which belong to one writer. */
function forgetUnsaved({ ids, labels }) {
  for (const digit of ids.keys()) if (!labels.has(digit)) ids.delete(digit);
}

async function save(picture, which, label) {
  if (saving || !which.length) return;
  saving = true;
  const { writer } = session;
  const answers = which.map((i) => {
    if (!picture.ids.has(i)) picture.ids.set(i, newId());
    const { answer, answer_probability: probability, glyph } = picture.reading.digits[i];
    return { id: picture.ids.get(i), label: label(i), glyph, answer, probability, model: picture.reading.model };
  });
  const kept = await keep(writer, "picture", answers);
  saving = false;
  if (!kept) return;
  for (const [i, digit] of which.entries()) {
    picture.labels.set(digit, answers[i].label);
    picture.ids.set(digit, answers[i].id); // another writer may have been chosen meanwhile
  }
  show();
  offerUndo(picture, { writer, ids: answers.map(({ id }) => id) }, which.length > 1 ? `${which.length} saved` : `saved as ${answers[0].label}`);
}

function offerUndo(picture, step, text) {
  picture.steps.push(step);
  if (step.writer === session.writer) toast(text, "Undo", () => undoStep(picture, step));
}

/** Save all accepted digits, but no more at once than one request may have. */
function confirmAll() {
  stays = true;
  const picture = shown();
  const which = digits().flatMap((digit, i) => (digit.accepted && !picture.labels.has(i) ? [i] : []));
  return save(picture, which.slice(0, MOST), (i) => picture.reading.digits[i].label);
}

/** Undo the last answers to this picture, and nothing else. */
async function undoStep(picture, step) {
  if (saving) return;
  if (!step) return toast("nothing left to undo in this picture");
  saving = true;
  const back = await undo(step.writer, step.ids);
  saving = false;
  if (!back) return;
  picture.steps = picture.steps.filter((each) => each !== step);
  for (const sample of back.samples) {
    const digit = [...picture.ids].find(([, id]) => id === sample.id)?.[0];
    if (digit === undefined) continue;
    if (sample.deleted) forget(picture, digit);
    else picture.labels.set(digit, sample.label);
  }
  show();
  toast(back.message);
}

export function pictureKey(event, character) {
  if (!shown()) return false;
  if (character !== null) correct(character);
  else if (event.key === "ArrowLeft") choose(selected - 1);
  else if (event.key === "ArrowRight") choose(selected + 1);
  else if (event.key === "Enter") confirmAll();
  else if (event.key === "Backspace") {
    if (!event.repeat) undoStep(shown(), shown().steps.at(-1)); // a held key undoes one step
  } else return false;
  return true;
}

export function startPictures(goThere) {
  const take = (files) => {
    if (!files.length) return;
    goThere();
    stays = false;
    enqueue([...files].map((file) => (file.name ? file : new File([file], "the pasted picture"))), read);
  };
  acceptFiles([$("file"), $("camera")], take);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
  // Boxes of small digits are too close for a finger. The position of the pointer is that of pointerup, since
  // the browser moves the click to a button that it guesses; a key has none and presses the focused box.
  let finger = null;
  $("stage").addEventListener("pointerup", (event) => (finger = event));
  $("stage").addEventListener("click", (event) => {
    if (event.detail) chooseAt(finger ?? event);
    else choose(Number(event.target.closest(".box")?.dataset.digit));
  });
  startQueue();
  $("sample").addEventListener("click", () => attempt(readSample));
  $("all-right").addEventListener("click", confirmAll);
  for (const [name, step] of [["picture-back", -1], ["picture-on", 1]]) {
    $(name).addEventListener("click", () => {
      stays = true;
      open(place + step);
    });
  }
  $("shot").addEventListener("error", () => showError(`${shown().name} was read, but this browser cannot display it`));
  $("copy").addEventListener("click", () => attempt(copy));
  let writer = session.writer;
  onSession((now) => {
    if (now.writer !== writer) pictures.forEach(forgetUnsaved);
    writer = now.writer;
    show();
  });
}

async function copy() {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText($("picture-text").textContent);
  } else {
    // Pages served over plain HTTP by another machine have no clipboard API.
    getSelection().selectAllChildren($("picture-text"));
    document.execCommand("copy");
  }
  toast("copied");
}

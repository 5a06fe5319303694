// The panel where a table is reviewed: it shows the doubtful readings one by one, with a key for each answer.

import { call, get } from "./api.js";
import { $, count, el, percent } from "./dom.js";
import { attempt, clearError, hideToast, showError, toast } from "./notices.js";

const FORMATS = { xlsx: "Excel", csv: "CSV", jsonl: "JSON Lines" };
const HELP = [[["0", "9"], " to ", "set the digit; type a number"], [["Enter"], "", "confirm"], [["N"], "", "no number here"],
  [["Backspace"], "", "delete a character; in an empty field, go back"], [["Esc"], "", "restore the reading"], [["↑", "↓"], " ", "go back, skip"], [["+"], "", "type several digits"]];

let panel; // element of the panel
let base = ""; // path of the review's routes
let onChange = () => {};
let reload = load; // after somebody else has answered
let queue = [];
let at = 0; // index in the queue; past its end when all are confirmed
let several = false; // whether a single digit is replaced by a typed number
let saving = Promise.resolve(); // answers are saved in their order
let unsaved = 0;
let threshold; // newest threshold of the queue
let asked = 0; // drops responses for older thresholds

const cropOf = (item) => `${base}/${item.number}/crop`;
const open = (item) => item.settled === null;

async function load() {
  const number = ++asked;
  const answer = await attempt(async () => {
    await saving;
    return get(base, { threshold });
  });
  if (!answer || number !== asked) return;
  const before = queue[at]?.number;
  queue = answer.queue;
  threshold = answer.threshold;
  $("threshold").value = Math.round(100 * threshold);
  showThreshold(threshold);
  $("unread").hidden = !answer.unread;
  $("unread").textContent = `${answer.unread} ${answer.unread === 1 ? "page is" : "pages are"} not here: they could not be read; the table has the reason.`;
  const same = queue.findIndex((item) => item.number === before && open(item));
  at = same >= 0 ? same : after(-1);
  show();
  return answer;
}

/** Index of the next open item, from the start if needed; past the end if there is none. */
function after(place) {
  const next = queue.findIndex((item, i) => i > place && open(item));
  if (next >= 0) return next;
  const first = queue.findIndex(open);
  return first >= 0 ? first : queue.length;
}

function show() {
  dropOpened();
  const settled = queue.filter((item) => !open(item)).length;
  $("progress").max = queue.length || 1;
  $("progress").value = queue.length ? settled : 1;
  $("progress-text").textContent = `${settled} of ${queue.length} confirmed`;
  const item = queue[at];
  $("review-item").hidden = !item;
  $("done").hidden = Boolean(item);
  $("back").disabled = at === 0;
  const left = queue.length - settled;
  $("skip").disabled = !item && !left;
  several = false;
  onChange(queue, item);
  if (!item) {
    const done = queue.length ? "No doubtful reading is left." : "No reading is doubtful at this confidence.";
    $("done-text").textContent = left ? `${left} ${left === 1 ? "was" : "were"} skipped. Skip once more to come back to ${left === 1 ? "it" : "the first"}.` : `${done} Next: download the corrected table.`;
    $("done-table").hidden = left > 0;
    $(left ? "done-text" : "done-table").focus();
    return;
  }
  const page = item.page > 1 ? `, page ${item.page}` : "";
  $("where").replaceChildren(item.place ? el("b", {}, item.place) : "", item.place ? " · " : "", `${item.file}${page} · ${item.whole ? "type it in" : `${percent(Math.round(1000 * item.confidence) / 1000)} sure`}`);
  $("reason").textContent = item.reason ?? "";
  $("crop").hidden = false;
  $("crop").parentElement.classList.toggle("whole", item.whole);
  $("crop").parentElement.tabIndex = item.whole ? 0 : -1; // a whole page is scrolled
  $("no-crop").hidden = true;
  $("crop").src = cropOf(item);
  $("crop").alt = `handwriting${item.place ? ` in ${item.place}` : ""}`;
  const next = queue[at + 1];
  if (next) new Image().src = cropOf(next); // preloads the image
  showAnswer(item);
  $("told").textContent = `${item.place ?? "number"}, read as ${item.guess || "nothing"}${item.settled === null ? "" : `, confirmed as ${item.settled || "no number"}`}`;
}

/** Remove readings that were only looked at from the queue, but for the one that is shown. */
function dropOpened() {
  const now = queue[at];
  const kept = (item) => item === now || !item.opened || !open(item);
  const before = queue.slice(0, at).filter(kept).length;
  [queue, at] = [queue.filter(kept), before];
}

function showAnswer(item) {
  const one = item.single && !several;
  const said = item.settled ?? item.guess;
  $("text-field").hidden = one;
  $("guess").hidden = !one;
  $("guess").textContent = said || "–";
  $("digits").hidden = $("more").hidden = !one;
  for (const button of $("digits").children) {
    button.classList.toggle("chosen", button.dataset.label === said);
  }
  $("text").value = said;
  if (one) return document.activeElement?.blur();
  $("text").focus();
  const unread = said.indexOf("?"); // typing replaces it
  return unread < 0 ? $("text").select() : $("text").setSelectionRange(unread, unread + 1);
}

/** Save an answer and go to the next item; if saving fails, the item is shown again. */
function settle(text) {
  const item = queue[at];
  if (!item) return;
  if (text.includes("?")) return showError("? is not a digit: type the number, or press N if there is none");
  hideToast();
  clearError("action");
  const before = item.settled;
  const path = `${base}/${item.number}`;
  item.settled = text;
  at = after(at);
  show();
  unsaved++;
  saving = saving.then(async () => {
    try {
      const { note } = await call("PUT", path, { text, before });
      const [read, typed] = [item.guess, text].map((number) => number.replace(/[^0-9?]/g, "").length);
      if (note) toast(`saved, but not learnt: ${note}`);
      else if (read && typed && read !== typed) toast(`saved as ${text}: ${count(typed, "digit")}, where ${read} ${read === 1 ? "was" : "were"} read`, "Back", () => openNumber(item.number));
    } catch (error) {
      item.settled = before;
      at = Math.max(queue.indexOf(item), 0);
      show();
      if (error.status === 409) reload(); // somebody else answered: load their answers
      showError(error);
    } finally {
      unsaved--;
    }
  });
}

function accept() {
  const item = queue[at];
  const text = (item?.single && !several ? item.settled ?? item.guess : $("text").value).trim();
  if (!text) return showError("type the number, or press N if there is none");
  return settle(text);
}

/** Go back or skip; from the end to the first open item. */
function move(step) {
  at = step > 0 && !queue[at] ? after(-1) : Math.max(at + step, 0);
  show();
}

function more() {
  several = true;
  showAnswer(queue[at]);
}

const KEYS = {
  ArrowUp: () => at > 0 && move(-1),
  ArrowDown: () => move(1),
  n: () => settle(""),
  Escape: () => showAnswer({ ...queue[at], settled: null }),
};

function key(event) {
  if (!panel.offsetParent || document.querySelector("dialog[open]")) return; // nobody sees what is answered
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target === $("threshold")) return;
  const item = queue[at];
  const typing = event.target === $("text");
  let action = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
  if (!item && !["ArrowUp", "ArrowDown", "Backspace"].includes(event.key)) return;
  if (event.key === "Backspace" && !(typing && $("text").value)) action = () => at > 0 && move(-1);
  else if (item?.single && !typing && /^[0-9]$/.test(event.key)) action = () => settle(event.key);
  else if (item?.single && !typing && event.key === "+") action = more;
  else if (event.key === "Enter" && !event.target.closest?.("button, a, summary, input")) action = accept;
  if (!action || (event.repeat && !event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  action();
}

/** Show the threshold, which may be finer than the slider. */
const showThreshold = (share) => ($("threshold-shown").textContent = `${Math.round(1000 * share) / 10} %`);

function crop() {
  return el("section", { id: "review-item", class: "card review-item", "aria-label": "a doubtful number", hidden: true },
    el("p", { id: "where", class: "quiet" }),
    el("div", { class: "crop" }, el("img", { id: "crop", alt: "" }), el("p", { id: "no-crop", class: "bad", hidden: true })),
    el("p", { id: "reason", class: "reason" }),
    el("form", { id: "answer", autocomplete: "off" },
      el("p", { id: "guess", class: "reading", hidden: true }),
      el("label", { id: "text-field", class: "field" }, "Number ",
        el("input", { id: "text", class: "text", type: "text", inputmode: "decimal", maxlength: 100, autocapitalize: "off", spellcheck: "false", enterkeyhint: "done" })),
      el("button", { id: "right", class: "main" }, "Confirm ", el("kbd", {}, "Enter")),
      el("button", { id: "none", type: "button", class: "plain" }, "No number here ", el("kbd", {}, "N")),
      el("button", { id: "more", type: "button", class: "plain" }, "Several digits ", el("kbd", {}, "+"))),
    el("div", { id: "digits", class: "labels", role: "group", "aria-label": "Label of this digit" }),
    el("p", { id: "told", class: "sr", "aria-live": "polite" }));
}

function elements() {
  const keys = HELP.map(([names, between, what]) => {
    const caps = names.flatMap((name, i) => [i ? between : null, el("kbd", {}, name)]);
    return el("div", {}, el("dt", {}, ...caps), el("dd", {}, what));
  });
  return [
    el("div", { class: "line spread" },
      el("label", { class: "field", for: "threshold" }, "Doubtful below ",
        el("input", { id: "threshold", type: "range", min: 0, max: 100, step: 1 }), el("output", { id: "threshold-shown", for: "threshold" })),
      el("p", { id: "progress-text", class: "quiet" })),
    el("progress", { id: "progress", max: 1, value: 0, "aria-label": "confirmed" }),
    crop(),
    el("section", { id: "done", class: "card review-item", hidden: true },
      el("p", { id: "done-text", class: "big", tabindex: -1 }),
      el("a", { id: "done-table", class: "button main", download: true, "data-format": "xlsx", "aria-describedby": "done-text" }, "Download the Excel table ", el("kbd", {}, "Enter"))),
    el("div", { class: "line" },
      el("button", { id: "back", class: "plain" }, "Back ", el("kbd", {}, "↑")),
      el("button", { id: "skip", class: "plain" }, "Skip ", el("kbd", {}, "↓"))),
    el("div", { class: "line export" }, el("span", { class: "quiet" }, "Corrected table:"),
      ...Object.entries(FORMATS).map(([format, name]) => el("a", { class: "button plain", download: true, "data-format": format }, name))),
    el("p", { id: "unread", class: "quiet", hidden: true }),
    el("details", { class: "keys-help" }, el("summary", {}, "Keys"), el("dl", { class: "keys" }, ...keys)),
  ];
}

/** Review the table of these routes. */
export function openTable(path) {
  if (path !== base) [queue, at] = [[], 0]; // readings of another table
  base = path;
  for (const link of document.querySelectorAll("[data-format]")) link.href = `${base}/table.${link.dataset.format}`;
  return load();
}

/** Show a reading of the table, whether it is doubtful or not. */
export async function openNumber(number) {
  let place = queue.findIndex((item) => item.number === number);
  if (place < 0) {
    const item = await attempt(() => get(`${base}/${number}`));
    if (!item) return false;
    const next = queue.findIndex((other) => other.number > number);
    place = next < 0 ? queue.length : next;
    queue.splice(place, 0, { ...item, opened: true });
  }
  at = place;
  show();
  return true;
}

/** Answer that there is no number in these readings. */
export async function leaveOut(numbers) {
  for (const number of numbers) if (await openNumber(number)) settle("");
}

/**
 * Put the review panel into an element. `change(queue, item)` is called when a reading is shown, and `conflict()` when somebody
 * else has answered.
 */
export function startReview(main, { change = () => {}, conflict = load } = {}) {
  [panel, onChange, reload] = [main, change, conflict];
  main.append(...elements());
  $("digits").append(...[..."0123456789"].map((digit) => el("button", { class: "label", type: "button", "data-label": digit, onclick: () => settle(digit) }, el("span", { class: "name" }, digit))));
  $("answer").addEventListener("submit", (event) => {
    event.preventDefault();
    accept();
  });
  $("none").addEventListener("click", () => settle(""));
  $("more").addEventListener("click", more);
  $("back").addEventListener("click", () => move(-1));
  $("skip").addEventListener("click", () => move(1));
  $("threshold").addEventListener("input", () => showThreshold($("threshold").value / 100));
  $("threshold").addEventListener("change", () => {
    threshold = $("threshold").value / 100;
    load();
  });
  $("crop").addEventListener("error", async () => {
    const item = queue[at];
    $("crop").hidden = true;
    $("crop").parentElement.classList.remove("whole");
    $("no-crop").hidden = false;
    try {
      await get(cropOf(item));
    } catch (error) {
      if (item === queue[at]) $("no-crop").textContent = error.message;
    }
  });
  addEventListener("keydown", key);
  addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
}

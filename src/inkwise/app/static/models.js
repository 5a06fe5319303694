// The Models tab: fine-tuning, versions, comparison.

import { call, get, post } from "./api.js";
import { $, accuracyText, el, interval, percent } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { onSession, refresh, session } from "./session.js";

const PAUSE = 1000; // ms between polls of the job

let timer = 0;
let job = null; // newest known state
let versions = null;
let watched = false; // whether this page has seen the job running
let switching = false;

export async function showModels() {
  const { writer } = session;
  $("comparison").replaceChildren();
  $("learn-result").replaceChildren(); // may be of another writer
  const [now, list] = await Promise.all([
    attempt(() => get("/api/learn")),
    attempt(() => get("/api/versions", { writer })),
  ]);
  if (writer !== session.writer) return;
  if (list) showVersions(list);
  if (now) showJob(now);
}

function showJob(now) {
  clearTimeout(timer);
  job = now;
  showStart();
  const mine = job.writer === session.writer;
  if (job.status === "running") {
    watched = true;
    $("learn-progress").value = job.share;
    $("learn-step").textContent = `${mine ? "" : `for ${job.writer}: `}${job.step || "starting"} · ${duration(job.seconds)} so far${
      job.seconds_left === null ? "" : `, about ${duration(job.seconds_left)} left`}`;
    $("learn-result").replaceChildren();
    timer = setTimeout(poll, PAUSE);
    return;
  }
  if (mine) showResult(job);
}

/** Show whether fine-tuning is possible, or what is missing. */
function showStart() {
  const { writer, state } = session;
  const running = job?.status === "running";
  $("learning").hidden = !running;
  $("learn-start").hidden = running || state.install.length > 0;
  $("learn-missing").hidden = running || !state.install.length;
  $("install").textContent = state.install.join("\n");
  const lacking = state.learn_from - state.labelled;
  $("learn").disabled = lacking > 0 || !state.labelled || !state.letters;
  $("learn-from").textContent = !state.accuracy ? ""
    : !state.letters ? "A model that reads letters cannot be fine-tuned."
    : lacking > 0 ? `${lacking} more labelled ${lacking === 1 ? "sample" : "samples"} of ${writer} ${lacking === 1 ? "is" : "are"} needed`
    : `from ${state.labelled} labelled samples of ${writer}`;
}

async function poll() {
  let now;
  try {
    now = await get("/api/learn");
  } catch {
    timer = setTimeout(poll, PAUSE); // the job runs in the server, so polling continues
    return;
  }
  if (now.status !== "running") {
    refresh();
    const { writer } = session;
    const list = await attempt(() => get("/api/versions", { writer }));
    if (list && writer === session.writer) showVersions(list);
  }
  showJob(now);
}

function showResult(job) {
  const box = $("learn-result");
  if (job.status === "failed") box.replaceChildren(el("p", { class: "bad" }, `Fine-tuning failed: ${job.error ?? "unknown reason"}`));
  else if (job.status === "cancelled") box.replaceChildren(el("p", { class: "quiet" }, watched ? "Cancelled; nothing was changed." : ""));
  else if (job.status === "done") {
    const version = versions?.versions.find(({ number }) => number === job.version);
    if (version) box.replaceChildren(result(version));
  }
}

/** What fine-tuning has brought, in words: what is read right of the same digits before and after. */
function result({ number, before, after, samples, worse }) {
  const used = number === versions.current;
  const reasons = worse.map((set) => WORSE[set](before[set], after[set]));
  const verdict = used ? `Version ${number} is in use.`
    : reasons.length ? `Version ${number} is kept, but not used, because ${reasons.join(", and because ")}.`
    : `Version ${number} is kept, but not in use.`;
  const sets = [["own", "of your samples that were held back from training"], ["numbers", "numbers composed of them"], ["mnist", "standard test digits (MNIST)"]];
  const lines = sets.filter(([set]) => after[set].n).map(([set, name]) => el("li", {},
    `Of ${whole(after[set].n)} ${name}, it reads `, el("b", {}, `${whole(after[set].right)} right`), `, ${compared(before[set].right, after[set].right)}.`));
  return el("div", { class: used ? "verdict good" : "verdict" }, el("p", {}, el("b", {}, verdict), ` It was trained on ${samples} of your samples.`), el("ul", {}, ...lines));
}

const WORSE = {
  own: (before, after) => `it reads ${whole(before.right - after.right)} fewer of your own digits right`,
  mnist: (before, after) => `it reads ${whole(before.right - after.right)} fewer of the standard digits right (up to 5 fewer are tolerated, as trainings differ by as many)`,
};
const compared = (before, after) => (before === after ? "as many as before" : `instead of ${whole(before)}`);
const whole = (count) => count.toLocaleString("en");
const worseThan = (after, before) => after.n > 0 && before.n > 0 && after.right / after.n < before.right / before.n;
/** "40 s", "2 min". */
const duration = (seconds) => (seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);

function showVersions(list) {
  versions = list;
  const { current, damage } = list;
  $("damage").hidden = !damage;
  $("damage").textContent = damage ? `${damage}. Use another version, or fine-tune again.` : "";
  const rows = list.versions.filter(({ number }) => number !== 0).map((version) => row(version, list));
  rows.push(el("tr", { class: current === 0 ? "current" : null, "data-version": 0 },
    el("th", { scope: "row" }, "0"), el("td", {}, "the base model"), el("td", {}), el("td", {}), el("td", {}), el("td", {}, use(0, list))));
  const names = ["", "trained", "samples", "standard digits wrong", "your digits wrong", ""];
  const head = el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)));
  $("versions").replaceChildren(el("table", { class: "table figures versions" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

function row({ number, time, samples, before, after }, list) {
  return el("tr", { class: number === list.current ? "current" : null, "data-version": number },
    el("th", { scope: "row" }, String(number)),
    el("td", {}, new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })),
    el("td", { "data-name": "samples" }, String(samples)),
    el("td", { "data-name": "standard digits wrong" }, misses(before.mnist, after.mnist)),
    el("td", { "data-name": "your digits wrong" }, misses(before.own, after.own)),
    el("td", {}, use(number, list), el("a", { class: "button plain", href: `/api/versions/${number}/model.onnx`, download: "", "aria-label": `download version ${number}` }, "ONNX")));
}

function misses(before, after) {
  if (!after.n) return "–";
  const wrong = ({ right, n }) => whole(n - right);
  const tone = worseThan(after, before) ? "bad" : worseThan(before, after) ? "better" : null;
  return el("span", {}, `${wrong(before)} → `, el("b", { class: tone }, wrong(after)), ` of ${whole(after.n)}`);
}

function use(number, { current, damage }) {
  if (number === current) return el("span", { class: damage ? "badge bad" : "badge" }, damage ? "damaged" : "in use");
  return el("button", { class: "plain", onclick: () => promote(number) }, "Use this");
}

async function promote(number) {
  if (switching) return;
  switching = true;
  const { writer } = session;
  const list = await attempt(() => post("/api/versions/promote", { writer, number }));
  switching = false;
  if (!list || writer !== session.writer) return;
  showVersions(list);
  $("learn-result").replaceChildren();
  refresh();
  toast(number ? `version ${number} is in use` : "the base model is in use");
}

async function compare() {
  const { writer } = session;
  $("compare").disabled = true;
  $("comparison").replaceChildren(el("p", { class: "quiet" }, "Comparing …"));
  const table = await attempt(() => get("/api/versions/compare", { writer }));
  $("compare").disabled = false;
  if (writer === session.writer) $("comparison").replaceChildren(...(table ? comparison(table) : []));
}

function comparison({ versions: numbers, writers, accuracy, damaged }) {
  const head = el("tr", {}, el("th", {}), ...writers.map((name) => el("th", { scope: "col" }, name)));
  const rows = numbers.map((number, i) => el("tr", { class: number === versions?.current ? "current" : null },
    el("th", { scope: "row" }, number ? `version ${number}` : "base model"),
    ...accuracy[i].map((cell) => el("td", { title: accuracyText(cell) },
      cell.n ? [el("b", {}, percent(cell.right / cell.n)), ` ${interval(cell)}`].reduce((all, part) => (all.append(part), all), el("span", {})) : "–"))));
  const left = damaged.map((line) => el("p", { class: "bad" }, `${line}: omitted`));
  return [el("table", { class: "table figures" }, el("thead", {}, head), el("tbody", {}, ...rows)), ...left];
}

export function startModels() {
  $("learn").addEventListener("click", async () => {
    const now = await attempt(() => post("/api/learn", { writer: session.writer }));
    if (now) showJob(now);
  });
  $("cancel-learn").addEventListener("click", async () => {
    const now = await attempt(() => call("DELETE", "/api/learn"));
    if (now) showJob(now);
  });
  $("compare").addEventListener("click", compare);
  let writer = session.writer;
  onSession((now) => {
    if (now.writer !== writer) $("learn-result").replaceChildren();
    writer = now.writer;
    showStart();
  });
}

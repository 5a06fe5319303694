// The Models tab: learn, see whether it got better, go back if it did not.

import { call, get, post } from "./api.js";
import { $, accuracyText, el, interval, percent } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { onSession, refresh, session } from "./session.js";

const PAUSE = 1000; // ms between looks at the job

let timer = 0;
let versions = null;
let watched = false; // whether the job was seen running on this page
let switching = false;

export async function showModels() {
  const { writer } = session;
  $("comparison").replaceChildren();
  const [job, list] = await Promise.all([
    attempt(() => get("/api/learn")),
    attempt(() => get("/api/versions", { writer })),
  ]);
  if (writer !== session.writer) return;
  if (list) showVersions(list);
  if (job) showJob(job);
}

function showJob(job) {
  clearTimeout(timer);
  const running = job.status === "running";
  const missing = session.state?.learn;
  $("learning").hidden = !running;
  $("learn-start").hidden = running || Boolean(missing);
  $("learn-missing").hidden = running || !missing;
  $("learn-missing").textContent = missing ?? "";
  const mine = job.writer === session.writer;
  if (running) {
    watched = true;
    $("learn-progress").value = job.share;
    $("learn-step").textContent = `${mine ? "" : `for ${job.writer}: `}${job.step || "starting"} · ${Math.round(100 * job.share)} %`;
    $("learn-result").replaceChildren();
    timer = setTimeout(poll, PAUSE);
    return;
  }
  $("learn-from").textContent = session.state ? `from ${session.state.samples} samples of ${session.writer}` : "";
  $("learn").disabled = !session.state?.samples;
  if (mine) showResult(job);
}

async function poll() {
  let job;
  try {
    job = await get("/api/learn");
  } catch {
    timer = setTimeout(poll, PAUSE); // the job lives in the server; a missed look is no reason to stop
    return;
  }
  if (job.status !== "running") {
    refresh();
    const list = await attempt(() => get("/api/versions", { writer: session.writer }));
    if (list) showVersions(list);
  }
  showJob(job);
}

function showResult(job) {
  const box = $("learn-result");
  if (job.status === "failed") box.replaceChildren(el("p", { class: "bad" }, `It failed: ${job.error ?? "no reason was given"}`));
  else if (job.status === "cancelled") box.replaceChildren(el("p", { class: "quiet" }, watched ? "Cancelled. Nothing was changed." : ""));
  else if (job.status === "done") {
    const version = versions?.versions.find(({ number }) => number === job.version);
    if (version) box.replaceChildren(result(version));
  }
}

function result(version) {
  const { number, before, after, samples } = version;
  const worse = version.worse.map((set) => ({ mnist: "the MNIST test digits", own: "your own digits" })[set]);
  const used = number === versions.current;
  const verdict = used
    ? `Version ${number} is in use now.`
    : worse.length ? `Version ${number} is kept, but not used: it is worse on ${worse.join(" and ")}.` : `Version ${number} is kept, but not in use.`;
  return el("div", { class: used ? "verdict good" : "verdict" },
    el("p", {}, el("b", {}, verdict), ` Learnt from ${samples} samples.`),
    el("table", { class: "table figures" },
      el("thead", {}, el("tr", {}, el("th", {}), el("th", { scope: "col" }, "before"), el("th", { scope: "col" }, "after"))),
      el("tbody", {},
        el("tr", {}, el("th", { scope: "row" }, "your digits, held back"), el("td", {}, share(before.own)), el("td", {}, share(after.own))),
        el("tr", {}, el("th", { scope: "row" }, "MNIST test digits"), el("td", {}, share(before.mnist)), el("td", {}, share(after.mnist))))));
}

const whole = (count) => count.toLocaleString("en");
const worseThan = (after, before) => after.n > 0 && before.n > 0 && after.right / after.n < before.right / before.n;
const share = ({ right, n }) => (n ? el("span", {}, el("b", {}, percent(right / n)), " ", el("small", {}, `${whole(n - right)} of ${whole(n)} wrong`)) : "–");

function showVersions(list) {
  versions = list;
  const { current } = list;
  const rows = list.versions.filter(({ number }) => number !== 0).map((version) => row(version, current));
  rows.push(el("tr", { class: current === 0 ? "current" : null, "data-version": 0 },
    el("th", { scope: "row" }, "0"), el("td", {}, "the base model"), el("td", {}), el("td", {}), el("td", {}), el("td", {}, use(0, current))));
  const names = ["", "learnt", "samples", "MNIST wrong", "your digits wrong", ""];
  const head = el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)));
  $("versions").replaceChildren(el("table", { class: "table figures versions" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

function row({ number, time, samples, before, after }, current) {
  return el("tr", { class: number === current ? "current" : null, "data-version": number },
    el("th", { scope: "row" }, String(number)),
    el("td", {}, new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })),
    el("td", { "data-name": "samples" }, String(samples)),
    el("td", { "data-name": "MNIST wrong" }, misses(before.mnist, after.mnist)),
    el("td", { "data-name": "your digits wrong" }, misses(before.own, after.own)),
    el("td", {}, use(number, current), el("a", { class: "button plain", href: `/api/versions/${number}/model.onnx`, download: "", "aria-label": `download version ${number}` }, "ONNX")));
}

function misses(before, after) {
  if (!after.n) return "–";
  const wrong = ({ right, n }) => whole(n - right);
  const tone = worseThan(after, before) ? "bad" : worseThan(before, after) ? "better" : null;
  return el("span", {}, `${wrong(before)} → `, el("b", { class: tone }, wrong(after)), ` of ${whole(after.n)}`);
}

function use(number, current) {
  if (number === current) return el("span", { class: "badge" }, "in use");
  return el("button", { class: "plain", onclick: () => promote(number) }, "Use this");
}

async function promote(number) {
  if (switching) return;
  switching = true;
  const list = await attempt(() => post("/api/versions/promote", { writer: session.writer, number }));
  switching = false;
  if (!list) return;
  showVersions(list);
  $("learn-result").replaceChildren();
  refresh();
  toast(number ? `version ${number} is in use` : "the base model is in use");
}

async function compare() {
  const { writer } = session;
  $("compare").disabled = true;
  $("comparison").replaceChildren(el("p", { class: "quiet" }, "Measuring …"));
  const table = await attempt(() => get("/api/versions/compare", { writer }));
  $("compare").disabled = false;
  if (writer === session.writer) $("comparison").replaceChildren(...(table ? [comparison(table)] : []));
}

function comparison({ versions: numbers, writers, accuracy }) {
  const head = el("tr", {}, el("th", {}), ...writers.map((name) => el("th", { scope: "col" }, name)));
  const rows = numbers.map((number, i) => el("tr", { class: number === versions?.current ? "current" : null },
    el("th", { scope: "row" }, number ? `version ${number}` : "base model"),
    ...accuracy[i].map((cell) => el("td", { title: accuracyText(cell) },
      cell.n ? [el("b", {}, percent(cell.right / cell.n)), ` ${interval(cell)}`].reduce((all, part) => (all.append(part), all), el("span", {})) : "–"))));
  return el("table", { class: "table figures" }, el("thead", {}, head), el("tbody", {}, ...rows));
}

export function startModels() {
  $("learn").addEventListener("click", async () => {
    const job = await attempt(() => post("/api/learn", { writer: session.writer }));
    if (job) showJob(job);
  });
  $("cancel-learn").addEventListener("click", async () => {
    const job = await attempt(() => call("DELETE", "/api/learn"));
    if (job) showJob(job);
  });
  $("compare").addEventListener("click", compare);
  onSession(() => {
    const { state } = session;
    $("learn").disabled = !state.samples;
    $("learn-from").textContent = `from ${state.samples} samples of ${session.writer}`;
  });
}

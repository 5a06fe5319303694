// The page frame: tabs, writer, accuracy, keys.

import { drawKey, startDraw } from "./draw.js";
import { $, accuracyText, el, inTextField, typed } from "./dom.js";
import { showModels, startModels } from "./models.js";
import { clearError, hideToast } from "./notices.js";
import { pictureKey, startPictures } from "./pictures.js";
import { showProgress } from "./progress.js";
import { showSamples, startSamples } from "./samples.js";
import { onSession, refresh, session, setLetters, setWriter } from "./session.js";

const TABS = ["draw", "pictures", "samples", "progress", "models"];
const opened = { samples: showSamples, progress: showProgress, models: showModels };
const NEW = "\u0000new"; // not a valid name of a writer

let tab = null;

function open(name) {
  tab = TABS.includes(name) ? name : "draw";
  for (const each of TABS) {
    $(`panel-${each}`).hidden = each !== tab;
    $(`tab-${each}`).setAttribute("aria-selected", String(each === tab));
    $(`tab-${each}`).tabIndex = each === tab ? 0 : -1;
  }
  clearError("reading", "action");
  hideToast();
  opened[tab]?.();
}

/** Keep the tab in the address, so that a reload restores it. */
const go = (name) => {
  if (location.hash.slice(1) !== name) location.hash = name;
  else open(name);
};

function startTabs() {
  for (const name of TABS) $(`tab-${name}`).addEventListener("click", () => go(name));
  document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const name = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
    go(name);
    $(`tab-${name}`).focus();
  });
  addEventListener("hashchange", () => open(location.hash.slice(1)));
  open(location.hash.slice(1));
}

function startWriter() {
  const select = $("writer");
  const dialog = $("writer-dialog");
  onSession(({ writer, state }) => {
    const names = [...new Set([...state.writers, writer])].sort((a, b) => a.localeCompare(b));
    select.replaceChildren(...names.map((name) => el("option", { value: name }, name)), el("option", { value: NEW }, "new writer …"));
    select.value = writer;
  });
  select.addEventListener("change", () => {
    if (select.value !== NEW) return switchTo(select.value);
    select.value = session.writer;
    $("writer-name").value = "";
    dialog.showModal();
    $("writer-name").focus();
  });
  $("writer-cancel").addEventListener("click", () => dialog.close());
  $("writer-form").addEventListener("submit", (event) => {
    const name = $("writer-name").value.trim();
    if (!name) return event.preventDefault();
    switchTo(name);
  });
}

function startCharacters() {
  for (const select of document.querySelectorAll(".characters")) {
    select.append(el("option", { value: "digits" }, "digits"), el("option", { value: "letters" }, "digits and letters"));
    select.addEventListener("change", () => {
      select.blur();
      setLetters(select.value === "letters");
    });
    onSession(({ letters, state }) => {
      select.value = letters ? "letters" : "digits";
      select.hidden = !state.letters; // a model that reads letters reads nothing else
    });
  }
}

async function switchTo(name) {
  document.activeElement?.blur();
  await setWriter(name);
  opened[tab]?.();
}

/** A button pressed by pointer does not take the focus, so that Enter still confirms the reading. */
function startPresses() {
  addEventListener("mousedown", (event) => {
    const button = event.target.closest?.("button, summary");
    if (!button) return;
    event.preventDefault();
    if (!button.form) document.activeElement?.blur();
  });
}

function startKeys() {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || inTextField(event.target) || document.querySelector("dialog[open]")) return;
    // Enter on a button presses that button.
    if (event.key === "Enter" && event.target.closest?.("button, a, label, summary")) return;
    if (event.repeat && event.key !== "Backspace" && !event.key.startsWith("Arrow")) return;
    const character = typed(event);
    if (character === null && (event.ctrlKey || event.metaKey || event.altKey)) return;
    const handled = tab === "draw" ? drawKey(event, character) : tab === "pictures" && pictureKey(event, character);
    if (handled) event.preventDefault();
  });
}

// Hide the token from the address bar; a cookie has it now.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);

startTabs();
startWriter();
startCharacters();
startPresses();
startKeys();
startDraw();
startPictures(() => tab !== "pictures" && go("pictures"));
startSamples();
startModels();
onSession(({ state }) => ($("accuracy").textContent = state.accuracy ? accuracyText(state.accuracy) : "accuracy unknown"));
$("accuracy").addEventListener("click", () => go("progress"));
addEventListener("visibilitychange", () => !document.hidden && refresh()); // another tab may have changed it
refresh();

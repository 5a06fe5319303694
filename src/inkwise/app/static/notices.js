// One quiet line for what was done, one loud line for what was not.

import { $, el } from "./dom.js";

const errors = new Map(); // of what -> what went wrong, the newest last
let told = 0; // errors of what a person asked for
let timer = 0;

/** Say what was done, with an action beside it for a while. */
export function toast(text, action, onaction) {
  const box = $("toast");
  box.replaceChildren(el("span", {}, text));
  if (action) {
    const press = () => {
      hideToast();
      onaction();
    };
    box.append(el("button", { class: "plain", onclick: press }, action));
  }
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(hideToast, action ? 8000 : 4000);
}

export function hideToast() {
  $("toast").hidden = true;
}

/** Show what went wrong `of` "reading", of the "state", of the "version" or of an "action", until it is dismissed or that succeeds. */
export function showError(error, of = "action") {
  if (of === "action") told++;
  errors.delete(of);
  errors.set(of, error instanceof Error ? error.message : String(error));
  hideToast();
  show();
}

export function clearError(...of) {
  for (const each of of) errors.delete(each);
  show();
}

function show() {
  const box = $("error");
  const text = [...errors.values()].at(-1);
  box.hidden = text === undefined;
  if (box.hidden || box.firstChild?.textContent === text) return;
  const dismiss = () => clearError(...errors.keys());
  box.replaceChildren(el("span", {}, text), el("button", { class: "plain", "aria-label": "dismiss", onclick: dismiss }, "×"));
}

/** Run what a person asked for; what it throws is shown, and undefined returned. */
export async function attempt(action) {
  const before = told;
  try {
    const result = await action();
    if (told === before) clearError("action"); // not what went wrong beside it
    return result;
  } catch (error) {
    showError(error);
    return undefined;
  }
}

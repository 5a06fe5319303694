// One quiet line for what was done, one loud line for what was not.

import { $, el } from "./dom.js";

let timer = 0;

/** Say what was done, with an action beside it for a while. */
export function toast(text, action, onaction) {
  const box = $("toast");
  box.replaceChildren(el("span", {}, text));
  if (action) {
    const press = () => {
      box.hidden = true;
      onaction();
    };
    box.append(el("button", { class: "plain", onclick: press }, action));
  }
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (box.hidden = true), action ? 8000 : 4000);
}

/** Show what went wrong until it is dismissed or something succeeds. */
export function showError(error) {
  const box = $("error");
  const text = error instanceof Error ? error.message : String(error);
  if (!box.hidden && box.firstChild?.textContent === text) return;
  $("toast").hidden = true;
  box.replaceChildren(el("span", {}, text), el("button", { class: "plain", "aria-label": "dismiss", onclick: clearError }, "×"));
  box.hidden = false;
}

export function clearError() {
  $("error").hidden = true;
}

/** Run what a person asked for; what it throws is shown, and undefined returned. */
export async function attempt(action) {
  try {
    const result = await action();
    clearError();
    return result;
  } catch (error) {
    showError(error);
    return undefined;
  }
}

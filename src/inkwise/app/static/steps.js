// The steps from an empty form to a table: where one is, and the addresses of the others.

import { $, el } from "./dom.js";

/** Id of the form in the address of the page, null on other pages. */
export const formId = /^\/forms\/(\w+)/.exec(location.pathname)?.[1] ?? null;

const STEPS = { form: "Form", fields: "Fields", scans: "Scans", check: "Check", table: "Table" };

/** Mark the present step; earlier pages are links. */
export function showSteps(current) {
  const links = { form: "/forms", ...(formId && { fields: `/forms/${formId}/fields`, scans: `/forms/${formId}` }) };
  const items = Object.entries(STEPS).map(([step, name], place) => {
    const words = `${place + 1} ${name}`;
    const linked = links[step] && step !== current;
    return el("li", { "aria-current": step === current ? "step" : null }, linked ? el("a", { href: links[step] }, words) : words);
  });
  $("steps").hidden = false;
  $("steps").replaceChildren(el("ol", {}, ...items));
}

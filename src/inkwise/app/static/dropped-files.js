// Files that are chosen, or dropped anywhere on the page; otherwise the browser would open them instead.

import { $ } from "./dom.js";

/** Throw an error if a file has more bytes than this; undefined is no limit. */
export function checkSize({ name, size }, most) {
  if (size > most) throw new Error(`${name} is larger than ${Math.floor(most / 2 ** 20)} MB`);
}

/** Call `take(files)` with the files of these inputs, and with those that are dropped. */
export function acceptFiles(inputs, take) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  let depth = 0;
  const over = (step) => {
    depth = Math.max(0, depth + step);
    $("dropping").hidden = depth === 0;
  };
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => carriesFiles(event) && over(1));
  document.addEventListener("dragleave", (event) => carriesFiles(event) && over(-1));
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(-depth);
    take([...event.dataTransfer.files]);
  });
}

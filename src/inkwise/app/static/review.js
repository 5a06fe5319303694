// The review of one table.

import { startReview, openTable } from "./review-panel.js";
import { $ } from "./dom.js";

// Hide the token from the address bar; a cookie has it now.
if (location.search) history.replaceState(null, "", location.pathname);

startReview($("review"));
const answer = await openTable("/api/review");
if (answer) {
  $("table").textContent = answer.table;
  document.title = `${answer.table} – Inkwise`;
}

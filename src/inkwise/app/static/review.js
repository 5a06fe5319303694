// The review of one table.

import { startDesk, openTable } from "./desk.js";
import { $ } from "./dom.js";

// Hide the token from the address bar; a cookie has it now.
if (location.search) history.replaceState(null, "", location.pathname);

startDesk($("review"));
const answer = await openTable("/api/review");
if (answer) {
  $("table").textContent = answer.table;
  document.title = `${answer.table} – Inkwise`;
}

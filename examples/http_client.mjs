// Send pictures to a running `inkwise serve`, from Node 18 or later, or with the same calls from a page.
//
//     node examples/http_client.mjs [URL] [PICTURE ..]
//
// A page of another site needs `inkwise serve --cors https://ITS-ADDRESS`.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

const [url = "http://127.0.0.1:8000", ...named] = process.argv.slice(2);
const form = new FormData();
for (const path of named.length ? named : ["docs/seven.jpg"]) {
  form.append("files", new Blob([await readFile(path)]), basename(path));
}
const answer = await fetch(`${url}/v1/batch?expect=digit`, { method: "POST", body: form }).catch(() => null);
if (!answer) {
  console.error(`${url}: no service answers; start it with: inkwise serve`);
  process.exit(1);
}
const found = await answer.json();
if (!answer.ok) {
  console.error(`${answer.status}: ${found.error}`);
  process.exit(1);
}
for (const { file, reading, error } of found.results) {
  console.log(`${file}: ${reading ? `${reading.text}, confidence ${reading.confidence}` : error}`);
}

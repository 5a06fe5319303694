// The server's answers, or an Error with one line that a person can read.

/** One request. `body` that is a File or Blob goes as it is, anything else as JSON. What the server refuses has its `status`. */
export async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body instanceof Blob) {
    options.headers["Content-Type"] = body.type || "application/octet-stream";
    options.body = body;
  } else if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("Inkwise does not answer. Is it still running? What you drew stays here.");
  }
  if (response.status === 204) return null;
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText || "with something unreadable"}.`);
  }
  if (!response.ok) {
    const error = new Error(typeof answer.error === "string" ? answer.error : `The server refused (${response.status}).`);
    throw Object.assign(error, { status: response.status });
  }
  return answer;
}

export const get = (path, values) => call("GET", path + query(values));
export const post = (path, body) => call("POST", path, body);

/** "?a=1&b=2" of the values that are neither null nor "". */
export function query(values = {}) {
  const kept = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return kept.length ? `?${new URLSearchParams(kept)}` : "";
}

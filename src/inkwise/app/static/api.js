// Requests to the server; errors have a one-line message for the user.

/**
 * Send a request and return its JSON. A Blob is sent as it is, any other body as JSON. Error responses have a `status`.
 * An AbortSignal ends the request.
 */
export async function call(method, path, body, signal) {
  const options = { method, headers: {}, signal };
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
    throw new Error("Inkwise does not answer. Is it still running? What is on this page stays.");
  }
  if (response.status === 204) return null;
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText || "with a response that is not JSON"}.`);
  }
  if (!response.ok) {
    const error = new Error(typeof answer.error === "string" ? answer.error : `The server rejected the request (${response.status}).`);
    throw Object.assign(error, { status: response.status });
  }
  return answer;
}

export const get = (path, values) => call("GET", path + query(values));
export const post = (path, body) => call("POST", path, body);

/** "?a=1&b=2" from the values that are neither null nor "". */
export function query(values = {}) {
  const kept = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return kept.length ? `?${new URLSearchParams(kept)}` : "";
}

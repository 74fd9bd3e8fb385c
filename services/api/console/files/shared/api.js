/** Speaks to the REST API. The token goes into the header, never into an address. */

// Beside the page, so that the console also works below a path of some proxy.
const ROOT = new URL("api/v1/", document.baseURI);
// The API itself gives up after 30 s.
const PATIENCE_MS = 35_000;

let token = null;
let unauthorized = () => {};

export function useToken(given, onUnauthorized) {
  token = given;
  unauthorized = onUnauthorized;
}

/** The API refused a request, and said why. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail ?? body.title ?? `The answer was HTTP ${status}.`);
    this.status = status;
    /** @type {Array<{loc: Array<string | number>, msg: string}>} */
    this.errors = body.errors ?? [];
    /** Seconds, or null. */
    this.retryAfter = retryAfter;
  }

  /** Whether the same may succeed a little later. */
  get passing() {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** No answer came. */
export class Unreachable extends Error {}

export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) {
      url.searchParams.set(name, value);
    }
  }
  return url;
}

export function headers(more = {}) {
  return token === null ? more : { Authorization: `Bearer ${token}`, ...more };
}

/**
 * Send a request and wait for a good answer's head. Raises Problem and Unreachable; an abort is passed on.
 * @param {{query?: object, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 */
export async function open(method, path, { query, body, headers: more = {}, signal } = {}) {
  const sent = token;
  const content = body === undefined ? {} : { "Content-Type": "application/json" };
  const init = { method, headers: headers({ ...content, ...more }), signal, cache: "no-store" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
  }
  const response = await reach(address(path, query), init);
  if (!response.ok) {
    const problem = await read(response);
    // An answer to a token that was given up in the meantime says nothing of the new one.
    if (problem.status === 401 && sent === token) {
      unauthorized(problem);
    }
    throw problem;
  }
  return response;
}

/** Send a request and read its answer as JSON; null where there is no body. */
export async function call(method, path, options = {}) {
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const response = await open(method, path, { ...options, signal });
  try {
    return response.status === 204 ? null : await response.json();
  } catch (error) {
    throw failure(error);
  }
}

export function get(path, query, signal) {
  return call("GET", path, { query, signal });
}

async function reach(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw failure(error);
  }
}

function failure(error) {
  if (error.name === "AbortError") {
    return error;
  }
  const slow = error.name === "TimeoutError";
  return new Unreachable(slow ? `No answer came within ${PATIENCE_MS / 1000} s.` : "The API cannot be reached.");
}

async function read(response) {
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return problem(response.status, await response.text().catch(() => ""), after);
}

/** Make a problem of an answer; what some proxy answered instead is no JSON. */
export function problem(status, text, after = Number.NaN) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    body = {};
  }
  return new Problem(status, body, Number.isNaN(after) ? null : after);
}

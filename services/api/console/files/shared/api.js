/** Sends requests to the REST API. The token goes into a header, never into a URL. */

/** @import { FieldError } from "api-types" */

import { sayFault } from "./words/faults.js";
import { hasWord, say, sayOf } from "./words/language.js";

// Relative to the page, so that the console also works below a path of a proxy.
const ROOT = new URL("api/v1/", document.baseURI);
// The API itself gives up after 30 s.
const TIMEOUT_MS = 35_000;

/** @type {string | null} */
let token = null;
/** @type {(problem: Problem) => void} */
let onUnauthorized = () => {};

/**
 * Sets the token of all requests from now on, and what is called when the API refuses it.
 * @param {string | null} given
 * @param {(problem: Problem) => void} refused
 */
export function useToken(given, refused) {
  token = given;
  onUnauthorized = refused;
}

/** @typedef {{name: string, missing: number, phones: string[]}} MissingValue What clients lack, and some of them. */

/** The API refused a request, and gave a reason. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {{title?: string, detail?: string, code?: string, errors?: FieldError[],
   *   missing_values?: MissingValue[]}} body
   * @param {number | null} retryAfter Seconds.
   */
  constructor(status, body, retryAfter) {
    super(body.detail ?? body.title ?? say("api_status", { status: String(status) }));
    this.status = status;
    this.code = body.code ?? null;
    this.errors = body.errors ?? [];
    this.missing = body.missing_values ?? [];
    this.retryAfter = retryAfter;
  }

  /** What is wrong, in the reader's language. The API's own sentence says more, to those who read English. */
  get said() {
    const { text, lang } = sayFault(this.message);
    const known = this.code !== null && hasWord("problem", this.code);
    return known && lang !== null ? sayOf("problem", this.code ?? "") : text;
  }

  /** Whether the API's own sentence is in another language than the page. */
  get untranslated() {
    return sayFault(this.message).lang !== null;
  }

  /** Whether the same request may succeed a little later. */
  get temporary() {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** No answer came, or only a part of one. */
export class Unreachable extends Error {}

/** @typedef {Record<string, string | number | boolean | null | undefined>} Query Null and undefined are left out. */

/**
 * Returns the URL of a path below /api/v1/.
 * @param {string} path
 * @param {Query} [query]
 */
export function urlOf(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) {
      url.searchParams.set(name, String(value));
    }
  }
  return url;
}

/**
 * Adds the token to the headers of a request.
 * @param {Record<string, string>} headers
 */
export function withToken(headers) {
  return token === null ? headers : { Authorization: `Bearer ${token}`, ...headers };
}

/**
 * @typedef {object} Options
 * @property {Query} [query]
 * @property {unknown} [body] Sent as JSON.
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * Sends a request and waits for the head of a good answer. Throws Problem or Unreachable; an abort is passed on.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 */
export async function open(method, path, { query, body, headers = {}, signal } = {}) {
  const sent = token;
  /** @type {RequestInit} */
  const init = { method, headers: withToken(headers), signal, cache: "no-store" };
  if (body !== undefined) {
    init.headers = withToken({ "Content-Type": "application/json", ...headers });
    init.body = JSON.stringify(body);
  }
  const response = await reach(urlOf(path, query), init);
  if (!response.ok) {
    const problem = await readProblem(response);
    // An answer to a token that was given up in the meantime does not concern the new one.
    if (problem.status === 401 && sent === token) {
      onUnauthorized(problem);
    }
    throw problem;
  }
  return response;
}

/**
 * Sends a request and reads its answer as JSON; null where there is no body.
 * @template Answer
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 */
export async function call(method, path, options = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const response = await open(method, path, { ...options, signal });
  try {
    return response.status === 204 ? /** @type {Answer} */ (null) : await response.json();
  } catch (error) {
    throw failureOf(error);
  }
}

/**
 * Reads something and its version, with which an edit tells on what it is based.
 * @template Answer
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<{answer: Answer, etag: string}>}
 */
export async function getVersioned(path, signal) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await open("GET", path, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  try {
    return { answer: await response.json(), etag: response.headers.get("ETag") ?? "*" };
  } catch (error) {
    throw failureOf(error);
  }
}

/**
 * Sends a GET request and reads its answer as JSON.
 * @template Answer
 * @param {string} path
 * @param {Query} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export function get(path, query, signal) {
  return call("GET", path, { query, signal });
}

/**
 * @param {URL} url
 * @param {RequestInit} init
 */
async function reach(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw failureOf(error);
  }
}

/**
 * Whether something was aborted on purpose.
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/** @param {unknown} error */
function failureOf(error) {
  if (isAbort(error)) {
    return error;
  }
  const slow = error instanceof DOMException && error.name === "TimeoutError";
  return new Unreachable(slow ? say("api_slow", { count: TIMEOUT_MS / 1000 }) : say("api_unreachable"));
}

/** @param {Response} response */
async function readProblem(response) {
  const retryAfter = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const text = await response.text().catch(() => "");
  return problemOf(response.status, text, Number.isNaN(retryAfter) ? null : retryAfter);
}

/**
 * Makes a problem of an answer. The text is no JSON where a proxy answered instead of the API.
 * @param {number} status
 * @param {string} text
 * @param {number | null} [retryAfter]
 */
export function problemOf(status, text, retryAfter = null) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    body = {};
  }
  return new Problem(status, body, retryAfter);
}

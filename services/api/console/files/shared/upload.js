/** Uploads a file. The browser reads it from disk piece by piece, so that it may be of any size. */

/** @import { Query } from "./api.js" */

import { Unreachable, problemOf, urlOf, withToken } from "./api.js";
import { say } from "./words/language.js";

/** @typedef {(bytes: number) => void} Progress */

/**
 * Uploads by XMLHttpRequest, since fetch does not report how much it has sent.
 * @template Answer
 * @param {string} path
 * @param {Query} query
 * @param {Blob} file
 * @param {string} media
 * @param {AbortSignal} signal
 * @param {Progress} progress
 * @returns {Promise<Answer>}
 */
export function upload(path, query, file, media, signal, progress) {
  const request = new XMLHttpRequest();
  request.open("POST", urlOf(path, query));
  for (const [name, value] of Object.entries(withToken({ "Content-Type": media }))) {
    request.setRequestHeader(name, value);
  }
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    const cut = () => reject(new Unreachable(say("upload_cut")));
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("error", cut);
    request.addEventListener("abort", cut);
    request.addEventListener("load", () => {
      if (request.status === 200) {
        resolve(JSON.parse(request.responseText));
      } else {
        reject(problemOf(request.status, request.responseText));
      }
    });
    request.send(file);
  });
}

/**
 * Returns the media type of a file of clients, by its name.
 * @param {File} file
 */
export function mediaOf(file) {
  return /\.(ndjson|jsonl)$/i.test(file.name) ? "application/x-ndjson" : "text/csv";
}

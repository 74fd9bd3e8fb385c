/** Uploads a file of clients. The browser reads it from disk piece by piece, so that it may be of any size. */

/** @import { ImportReport } from "api-types" */

import { Unreachable, problemOf, urlOf, withToken } from "../shared/api.js";
import { say } from "../shared/words/language.js";

/**
 * Uploads by XMLHttpRequest, since fetch does not report how much it has sent.
 * @param {File} file
 * @param {string} conflict
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} progress
 * @returns {Promise<ImportReport>}
 */
export function upload(file, conflict, signal, progress) {
  const request = new XMLHttpRequest();
  request.open("POST", urlOf("clients/import", { on_conflict: conflict }));
  const isNdjson = /\.(ndjson|jsonl)$/i.test(file.name);
  const headers = withToken({ "Content-Type": isNdjson ? "application/x-ndjson" : "text/csv" });
  for (const [name, value] of Object.entries(headers)) {
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

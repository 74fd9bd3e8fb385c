/** Saves long answers: straight to disk where the browser can, else in memory up to a limit. */

/** @import { Query } from "./api.js" */

import { Unreachable, isAbort, open } from "./api.js";
import { h, setText } from "./elements.js";
import { formatBytes } from "./format.js";
import { announce } from "./notice.js";
import { actionButton, problemBox } from "./problems.js";
import { say } from "./words/language.js";

// A browser that cannot write to disk keeps the whole answer in memory.
const LARGEST_IN_MEMORY = 100_000_000;

/**
 * What was saved.
 * @typedef {object} Download
 * @property {string} path
 * @property {Query} query
 * @property {string} accept The media type.
 * @property {string} name The name of the file.
 * @property {string} otherwise What to do instead with more than fits into memory.
 */

/** @typedef {(bytes: number) => void} Progress */

/**
 * Makes a button that saves what `wanted` returns at the click, and a box for problems.
 * @param {string} text
 * @param {() => Download} wanted
 * @param {AbortSignal} signal
 */
export function downloadButton(text, wanted, signal) {
  const box = problemBox();
  const element = actionButton(text, box, async () => {
    try {
      await save(wanted(), (bytes) => {
        setText(element, say("download_progress", { button: text, size: formatBytes(bytes) }));
      }, signal);
    } finally {
      setText(element, text);
    }
  }, { class: "small outline" });
  return { button: element, box };
}

/**
 * @param {Download} wanted
 * @param {Progress} progress
 * @param {AbortSignal} signal
 */
async function save(wanted, progress, signal) {
  if (!window.showSaveFilePicker) {
    await saveInMemory(wanted, progress, signal);
    return;
  }
  const file = await pickFile(window.showSaveFilePicker, wanted.name);
  if (file !== null) {
    await saveToDisk(file, wanted, progress, signal);
  }
}

/**
 * Asks where to save. Returns null where the user cancels.
 * @param {NonNullable<Window["showSaveFilePicker"]>} picker
 * @param {string} suggestedName
 */
async function pickFile(picker, suggestedName) {
  try {
    return await picker.call(window, { suggestedName });
  } catch (error) {
    if (isAbort(error)) {
      return null;
    }
    throw error;
  }
}

/**
 * Writes to the file, which appears only when all of it is there.
 * @param {FileSystemFileHandle} file
 * @param {Download} wanted
 * @param {Progress} progress
 * @param {AbortSignal} signal
 */
async function saveToDisk(file, wanted, progress, signal) {
  const body = await openBody(wanted, signal);
  await pipe(body, progress, await file.createWritable());
  announce(say("saved", { file: file.name }));
}

/**
 * @param {Download} wanted
 * @param {Progress} progress
 * @param {AbortSignal} signal
 */
async function saveInMemory(wanted, progress, signal) {
  const body = await openBody(wanted, signal);
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  let size = 0;
  await pipe(body, progress, new WritableStream({
    write(part) {
      size += part.byteLength;
      if (size > LARGEST_IN_MEMORY) {
        throw new TooLarge(wanted.otherwise);
      }
      parts.push(part);
    },
  }));
  const url = URL.createObjectURL(new Blob(parts, { type: wanted.accept }));
  h("a", { href: url, download: wanted.name }).click();
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  announce(say("saved", { file: wanted.name }));
}

/**
 * @param {Download} wanted
 * @param {AbortSignal} signal
 */
async function openBody({ path, query, accept }, signal) {
  const { body } = await open("GET", path, { query, headers: { Accept: accept }, signal });
  if (body === null) {
    throw new Unreachable(say("answer_empty"));
  }
  return body;
}

class TooLarge extends Error {
  /** @param {string} otherwise */
  constructor(otherwise) {
    super(say("too_large", { size: formatBytes(LARGEST_IN_MEMORY), otherwise }));
  }
}

/**
 * Copies a body to its target, all of it or none.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @param {Progress} progress
 * @param {WritableStream<Uint8Array<ArrayBuffer>>} target
 */
async function pipe(body, progress, target) {
  try {
    await body.pipeThrough(countBytes(progress)).pipeTo(target);
  } catch (error) {
    if (error instanceof Error && (error instanceof TooLarge || isAbort(error))) {
      throw new Unreachable(error.message);
    }
    throw new Unreachable(say("download_cut"));
  }
}

/**
 * @param {Progress} progress
 * @returns {TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>}
 */
function countBytes(progress) {
  let bytes = 0;
  return new TransformStream({
    transform(part, controller) {
      bytes += part.byteLength;
      progress(bytes);
      controller.enqueue(part);
    },
  });
}

/** Saves long answers: straight to disk where the browser can, else in memory up to a limit. */

import { Unreachable, open } from "./api.js";
import { announce, problemPlace, work } from "./dialog.js";
import { h, say } from "./elements.js";
import { bytes } from "./format.js";

// A browser that cannot write to disk keeps all of it in memory.
const MOST_BYTES = 100_000_000;

/**
 * A button that saves what `wanted()` names: {path, query, accept, name, otherwise}, where `otherwise` says what to do
 * with more than fits. Returns {button, place}.
 */
export function downloadButton(text, wanted, signal) {
  const place = problemPlace();
  const button = h("button", { type: "button", class: "small outline" }, text);
  const progress = (done) => say(button, done === null ? text : `${text}: ${bytes(done)}`);
  button.addEventListener("click", () => work(button, place, async () => {
    try {
      await save(wanted(), progress, signal);
    } finally {
      progress(null);
    }
  }));
  return { button, place };
}

async function save(wanted, progress, signal) {
  if (!("showSaveFilePicker" in window)) {
    await toMemory(wanted, progress, signal);
    return;
  }
  const file = await pick(wanted.name);
  if (file !== null) {
    await toDisk(file, wanted, progress, signal);
  }
}

/** Ask where to. Null where the user thought better of it. */
async function pick(suggestedName) {
  try {
    return await window.showSaveFilePicker({ suggestedName });
  } catch (error) {
    if (error.name === "AbortError") {
      return null;
    }
    throw error;
  }
}

/** What was cut off is not kept: the file appears only when all of it is there. */
async function toDisk(file, wanted, progress, signal) {
  const response = await ask(wanted, signal);
  const target = await file.createWritable();
  await whole(response.body.pipeThrough(counting(progress)).pipeTo(target));
  announce(`${file.name} is saved.`);
}

async function toMemory(wanted, progress, signal) {
  const response = await ask(wanted, signal);
  const parts = [];
  let size = 0;
  const sink = new WritableStream({
    write(part) {
      size += part.byteLength;
      if (size > MOST_BYTES) {
        throw new TooMuch(wanted.otherwise);
      }
      parts.push(part);
    },
  });
  await whole(response.body.pipeThrough(counting(progress)).pipeTo(sink));
  const url = URL.createObjectURL(new Blob(parts, { type: wanted.accept }));
  h("a", { href: url, download: wanted.name }).click();
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  announce(`${wanted.name} is saved.`);
}

function ask({ path, query, accept }, signal) {
  return open("GET", path, { query, headers: { Accept: accept }, signal });
}

class TooMuch extends Error {
  constructor(otherwise) {
    super(`It is more than ${bytes(MOST_BYTES)}, which this browser can only keep in memory. ${otherwise}`);
  }
}

async function whole(copied) {
  try {
    await copied;
  } catch (error) {
    if (error instanceof TooMuch || error.name === "AbortError") {
      throw new Unreachable(error.message);
    }
    throw new Unreachable("The answer was cut off, and nothing was saved. Try again.");
  }
}

function counting(progress) {
  let done = 0;
  return new TransformStream({
    transform(part, controller) {
      done += part.byteLength;
      progress(done);
      controller.enqueue(part);
    },
  });
}

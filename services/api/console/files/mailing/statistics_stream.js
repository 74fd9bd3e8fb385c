/** Follows the statistics of a mailing by server-sent events. EventSource cannot send a token; fetch can. */

import { Problem, Unreachable, get, open } from "../shared/api.js";
import { pause, seen, source } from "../shared/connection.js";
import { backOff, passing } from "../shared/polling.js";

// The API writes at least a comment every 15 s.
const SILENCE_MS = 40_000;
// Statistics come about once a second.
const LATE_MS = 5_000;

/**
 * Follow a mailing's statistics stream, opened again whenever it was cut, until the mailing has ended.
 * Returns the reason of its end: ended or gone. Raises what will not pass by itself.
 */
export async function follow(mailingId, show, signal) {
  const own = source(signal);
  try {
    return await following(mailingId, show, signal, own);
  } finally {
    own.end();
  }
}

async function following(mailingId, show, signal, own) {
  for (let failures = 0; !signal.aborted;) {
    await seen(signal);
    try {
      const reason = await watch(mailingId, own, (figures) => {
        failures = 0;
        show(figures);
      }, signal);
      if (reason === "ended" || reason === "gone") {
        return reason;
      }
      failures += 1;
      own.failed("The stream was cut.", backOff(failures));
    } catch (error) {
      if (signal.aborted) {
        return "left";
      }
      if (error instanceof Hidden) {
        continue;
      }
      if (!passing(error)) {
        throw error;
      }
      failures += 1;
      own.failed(error.message, backOff(failures));
      if (error.status === 503) {
        await lookOnce(mailingId, own, show, signal);
      }
    }
    await pause(Math.max(0, (own.retryAt - Date.now()) / 1000), signal);
  }
  return "left";
}

/** Too many streams may be open; the plain statistics can be had all the same. */
async function lookOnce(mailingId, own, show, signal) {
  try {
    show(await get(`mailings/${mailingId}/statistics`, {}, signal));
    own.fresh();
    own.retryAt = Date.now() + 2000;
  } catch (error) {
    if (!passing(error) && !signal.aborted) {
      throw error;
    }
  }
}

/** The page was hidden, and the stream closed for it. */
class Hidden extends Error {}

/** Read one stream to its end. Returns the reason of its end, or "cut". */
async function watch(mailingId, own, show, signal) {
  const controller = new AbortController();
  const timers = new Timers(own, controller);
  const hide = () => document.hidden && controller.abort(new Hidden());
  document.addEventListener("visibilitychange", hide);
  try {
    const both = AbortSignal.any([signal, controller.signal]);
    const response = await open("GET", `mailings/${mailingId}/statistics/stream`, { signal: both });
    for await (const event of events(response.body, () => timers.heard())) {
      if (event.name === "statistics") {
        timers.news();
        own.fresh();
        show(event.data);
      } else if (event.name === "unavailable") {
        timers.excused();
        own.failed(event.data.detail, 1);
      } else if (event.name === "end") {
        return event.data.reason;
      }
    }
    return "cut";
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : reading(error);
  } finally {
    timers.clear();
    document.removeEventListener("visibilitychange", hide);
    controller.abort();
  }
}

function reading(error) {
  const known = error instanceof Problem || error instanceof Unreachable || error.name === "AbortError";
  return known ? error : new Unreachable("The stream was cut.");
}

/** Notices when nothing comes: soon that the figures are old, later that the connection is dead. */
class Timers {
  constructor(own, controller) {
    this.own = own;
    this.controller = controller;
    this.heard();
    this.news();
  }

  heard() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.controller.abort(new Unreachable("The stream fell silent.")), SILENCE_MS);
  }

  news() {
    clearTimeout(this.late);
    this.late = setTimeout(() => this.own.failed("No figures have come for some seconds.", 1), LATE_MS);
  }

  /** The API said why there are no figures. */
  excused() {
    clearTimeout(this.late);
  }

  clear() {
    clearTimeout(this.silence);
    clearTimeout(this.late);
  }
}

/** Take server-sent events out of a stream of bytes. */
async function* events(stream, heard) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    heard();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    yield* blocks.map(parse).filter((event) => event !== null);
  }
}

function parse(block) {
  const fields = new Map(block.split("\n").map((line) => {
    const [name, ...value] = line.split(": ");
    return [name, value.join(": ")];
  }));
  return fields.has("event") ? { name: fields.get("event"), data: JSON.parse(fields.get("data")) } : null;
}

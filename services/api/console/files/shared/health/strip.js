/** The strip on every page: whether messages can be sent, and what waits. */

/** @import { HealthShown } from "api-types" */
/** @import { Child } from "../elements.js" */

import { describeActivity } from "./activity.js";
import { get } from "../api.js";
import { byId, h, setChildren } from "../elements.js";
import { formatDuration, formatRate } from "../format.js";
import { poll } from "../polling.js";
import { expected } from "../problems.js";
import { may } from "../access/session.js";
import { formatCount, say, sayOf } from "../words/language.js";

const INTERVAL_SECONDS = 3;
// A job that waits longer is a sign that sending has stopped, or is too slow for what was released.
const LONG_SECONDS = 60;
// The share of failed requests from which on a provider is said to fail.
const MOST = 0.5;

/** @typedef {"good" | "idle" | "poor" | "bad"} Mood */
/** @typedef {{name: string, value: Child, mood: Mood}} Sign */

const strip = byId("health");

/**
 * Shows the strip until the signal is aborted.
 * @param {AbortSignal} signal
 */
export async function showHealth(signal) {
  strip.setAttribute("aria-label", say("health"));
  let shown = "";
  signal.addEventListener("abort", () => {
    strip.hidden = true;
  });
  const load = async (/** @type {AbortSignal} */ own) => {
    /** @type {HealthShown} */
    const health = await get("health", {}, own);
    const signs = signsOf(health);
    const values = signs.map(({ value, mood }) => [value instanceof Node ? value.textContent : value, mood]);
    const key = JSON.stringify([values, health.activity]);
    strip.hidden = false;
    if (key !== shown) {
      shown = key;
      draw(signs, troubleOf(health));
    }
  };
  try {
    await poll(load, INTERVAL_SECONDS, signal);
  } catch (error) {
    // What does not pass by itself, such as a token that is refused, is shown by the page.
    expected(error);
    strip.hidden = true;
  }
}

/**
 * @param {Sign[]} signs
 * @param {string | null} trouble
 */
function draw(signs, trouble) {
  const list = h("dl", {}, signs.map(({ name, value, mood }) => h("div", { class: `sign ${mood}` },
    h("dt", {}, name), h("dd", {}, value))));
  setChildren(strip, list, trouble !== null && h("p", { role: "status" }, trouble));
}

/**
 * What holds up every mailing, in a sentence.
 * @param {HealthShown} health
 */
function troubleOf({ activity }) {
  return activity.code === "sending" ? null : describeActivity(activity);
}

/**
 * @param {HealthShown} health
 * @returns {Sign[]}
 */
function signsOf(health) {
  const { backlog, rate, oldest_job_seconds: oldest, dead_letters: letters, broker, running } = health;
  const late = oldest !== null && oldest > LONG_SECONDS;
  return [
    ...providerSigns(health),
    { name: say("backlog"), value: formatCount(backlog), mood: "idle" },
    { name: say("rate"), value: formatRate(rate), mood: running > 0 && backlog > 0 && rate === 0 ? "poor" : "idle" },
    { name: say("oldest_job"), value: oldest === null ? "–" : formatDuration(oldest), mood: late ? "poor" : "idle" },
    { name: say("broker"), value: say(`broker_${broker}`), mood: broker === "up" ? "good" : "bad" },
    {
      name: say("dead_letters_short"), mood: letters ? "poor" : "idle",
      value: letters === null ? "–" : lettersOf(letters),
    },
  ];
}

/** @param {number} count */
function lettersOf(count) {
  return count > 0 && may("admin") ? h("a", { href: "#/dead-letters" }, formatCount(count)) : formatCount(count);
}

/**
 * @param {boolean} isPoor
 * @returns {Mood}
 */
function moodOf(isPoor) {
  return isPoor ? "poor" : "good";
}

/**
 * A sign for each provider. Where no dispatcher runs, nobody knows how the providers are.
 * @param {HealthShown} health
 * @returns {Sign[]}
 */
function providerSigns({ dispatchers, providers, activity }) {
  if (!dispatchers) {
    return [{ name: say("dispatchers"), value: say("none_runs"), mood: "bad" }];
  }
  const [first, ...others] = providers;
  if (first === undefined) {
    return [{ name: say("provider"), value: say("not_known_yet"), mood: "idle" }];
  }
  return [first, ...others].map(({ name, state, failing }) => {
    const isPoor = state !== "closed" || failing >= MOST || activity.code === "provider_failing";
    const isDown = state === "open" || state === "half-open";
    return {
      name: others.length ? name : say("provider"),
      value: sayOf("provider", state === "closed" && isPoor ? "failing" : state),
      mood: isDown ? "bad" : moodOf(isPoor),
    };
  });
}

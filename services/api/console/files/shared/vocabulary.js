/** Herald's words: statuses, states, and what is allowed in which. The API decides; this only saves useless offers. */

/** @import { ByStatus, Mailing, Token } from "api-types" */

/** @typedef {keyof ByStatus} Status */
/** @typedef {Mailing["status"]} State */
/** @typedef {Token["role"]} Role */

/** @type {Status[]} */
export const STATUSES = ["pending", "retrying", "sent", "rejected", "exhausted", "expired", "cancelled"];
/** @type {Status[]} */
export const WAITING = ["pending", "retrying"];
/** @type {Status[]} */
export const UNSENT = ["rejected", "exhausted", "expired", "cancelled"];
/** @type {State[]} */
export const STATES = ["draft", "scheduled", "running", "paused", "finished", "cancelled"];
export const QUEUES = ["planner.dead", "dispatcher.dead", "reporter.dead"];
/** The kinds of events that are recorded. */
export const KINDS = [
  "created", "updated", "deleted", "scheduled", "expanded", "started", "paused", "resumed", "cancelled", "resent",
  "closing", "closed", "finished", "exported", "dead_letters_replayed", "dead_letters_dropped", "signed_in",
  "signed_out", "sign_in_failed", "session_revoked",
];
/** @type {Role[]} Each may do what those before it may. */
export const ROLES = ["viewer", "operator", "admin"];

/**
 * The fields that PATCH may change in each state.
 * @type {Record<State, string[]>}
 */
export const EDITABLE = {
  draft: ["name", "text", "start_at", "end_at", "filter", "window", "on_missing"],
  scheduled: ["name", "text", "start_at", "end_at", "filter", "window", "on_missing"],
  running: ["name", "text", "end_at", "window", "on_missing"],
  paused: ["name", "text", "end_at", "window", "on_missing"],
  finished: [],
  cancelled: [],
};

/** @typedef {"start" | "pause" | "resume" | "cancel"} Action */

/**
 * The states from which an action leads to another state.
 * @type {Record<Action, State[]>}
 */
export const ACTIONS = {
  start: ["draft"],
  pause: ["running"],
  resume: ["paused"],
  cancel: ["draft", "scheduled", "running", "paused"],
};

/** @typedef {State | "partly" | "unsent" | "failing"} Outcome A state, and where it matters what has come of it. */

/**
 * Returns what people should see of a mailing: that it finished and nothing was sent, or that nothing gets through.
 * @param {Mailing} mailing
 * @param {number | null} perSecond How many messages become final in a second, null where that is not known.
 * @returns {Outcome}
 */
export function outcomeOf({ status, total, by_status: counts }, perSecond) {
  if (status === "running" && counts.retrying > 0 && perSecond === 0) {
    return "failing";
  }
  if (status !== "finished" || total === counts.sent) {
    return status;
  }
  return counts.sent === 0 ? "unsent" : "partly";
}

/**
 * Counts the messages that are not final.
 * @param {ByStatus} counts
 */
export function countWaiting(counts) {
  return counts.pending + counts.retrying;
}

/**
 * Counts the messages that are final.
 * @param {ByStatus} counts
 */
export function countFinal(counts) {
  return STATUSES.reduce((sum, status) => sum + counts[status], 0) - countWaiting(counts);
}

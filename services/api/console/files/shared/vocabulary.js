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
  "closing", "closed", "finished", "opted_out", "opted_in", "clients_imported", "exported", "segment_created",
  "segment_updated", "segment_deleted", "stop_list_added", "stop_list_removed", "provider_drained", "provider_resumed",
  "providers_reloaded", "dead_letters_replayed", "dead_letters_dropped", "token_created", "token_revoked",
  "token_refused", "signed_in", "signed_out", "sign_in_failed", "session_revoked",
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

/** @type {Array<Mailing["activity"]["code"]>} What keeps a running mailing from sending, or most of it. */
const HELD_UP = ["stalled", "no_dispatcher", "provider_down", "provider_held", "provider_drained", "provider_failing"];
/** A greater share of failures needs attention: fewer are what every list of phones has. */
export const MANY_FAILED = 0.05;

/**
 * Returns what people should see of a mailing: that it finished and nothing was sent, or that it is held up.
 * @param {Pick<Mailing, "status" | "total" | "by_status" | "activity">} mailing
 * @returns {Outcome}
 */
export function outcomeOf({ status, total, by_status: counts, activity }) {
  if (status === "running" && HELD_UP.includes(activity.code)) {
    return "failing";
  }
  if (status !== "finished" || total === 0) {
    return status;
  }
  if (counts.sent === 0) {
    return "unsent";
  }
  return failedShare(counts) > MANY_FAILED ? "partly" : status;
}

/**
 * Counts the messages that were not sent though they should have been.
 * @param {ByStatus} counts
 */
export function countFailed(counts) {
  return counts.rejected + counts.exhausted + counts.expired;
}

/**
 * The share of failed messages among those that were sent or failed; 0 where there are none.
 * @param {ByStatus} counts
 */
export function failedShare(counts) {
  const failed = countFailed(counts);
  return failed === 0 ? 0 : failed / (failed + counts.sent);
}

/**
 * Counts the messages that are not final.
 * @param {ByStatus} counts
 */
export function countWaiting(counts) {
  return counts.pending + counts.retrying;
}

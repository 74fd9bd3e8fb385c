/** Herald's words: statuses, states, and what may be done in which. The API decides; this only saves useless offers. */

export const STATUSES = ["pending", "retrying", "sent", "rejected", "exhausted", "expired", "cancelled"];
export const WAITING = ["pending", "retrying"];
export const UNSENT = ["rejected", "exhausted", "expired", "cancelled"];
export const STATES = ["scheduled", "running", "paused", "finished", "cancelled"];
export const QUEUES = ["planner.dead", "dispatcher.dead", "reporter.dead"];
export const ROLES = ["viewer", "operator", "admin"];

export const MEANING = {
  pending: "Not yet accepted, and no failed attempt.",
  retrying: "At least one failed attempt, and another is due.",
  sent: "Accepted by the provider.",
  rejected: "Refused by the provider for good.",
  exhausted: "The attempts were used up.",
  expired: "The end of the mailing came first.",
  cancelled: "The mailing was cancelled or deleted, or the client deleted.",
};

/** Which fields PATCH may change in each state. */
export const EDITABLE = {
  scheduled: ["text", "start_at", "end_at", "filter", "window"],
  running: ["text", "end_at", "window"],
  paused: ["text", "end_at", "window"],
  finished: [],
  cancelled: [],
};

/** From which states an action leads somewhere. */
export const ACTIONS = {
  pause: ["running"],
  resume: ["paused"],
  cancel: ["scheduled", "running", "paused"],
};

export function waiting(counts) {
  return counts.pending + counts.retrying;
}

export function final(counts) {
  return STATUSES.reduce((sum, status) => sum + counts[status], 0) - waiting(counts);
}

/** Says what a mailing is doing and what holds it up, in one sentence. */

/** @import { Activity } from "api-types" */

import { formatMoment } from "../format.js";
import { describeReason, formatShare, say, sayOf } from "../words/language.js";

/** @param {Activity} activity */
export function describeActivity({ code, until, since, provider, reason, share }) {
  const values = {
    until: until === null ? say("unknown_time") : formatMoment(until),
    since: since === null ? say("unknown_time") : formatMoment(since),
    provider: provider ?? "",
    reason: reason === null ? say("unknown_reason") : reasonOf(code, reason),
    share: share === null ? "" : formatShare(share),
  };
  return say(`activity_${code}`, values);
}

/**
 * Says why nothing is sent: attempts that are repeated have an outcome, all else a reason.
 * @param {Activity["code"]} code
 * @param {string} reason
 */
function reasonOf(code, reason) {
  return code === "retrying" ? sayOf("outcome", reason) : describeReason(reason);
}

/** The dialog of one message, with each request that was made for it. */

/** @import { MessageInFull } from "api-types" */
/** @import { Child, Head } from "../shared/elements.js" */

import { get } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h, numberCell, setChildren, table } from "../shared/elements.js";
import { formatCount, timeElement } from "../shared/format.js";
import { expected, problemBox, showProblem } from "../shared/problems.js";
import { Badge } from "../shared/status_counts.js";

/** @type {Head[]} */
const HEADS = [["No.", "number"], "Started", "Outcome", ["HTTP", "number"], ["Duration", "number"], "Detail"];

/**
 * Opens the dialog.
 * @param {number} id
 * @param {AbortSignal} signal
 */
export function showMessage(id, signal) {
  const box = problemBox();
  const body = h("div", {}, h("p", { "aria-busy": "true" }, "Loading"));
  const load = async () => {
    try {
      setChildren(box);
      setChildren(body, attemptsOf(await get(`messages/${id}`, {}, signal)));
    } catch (error) {
      if (!signal.aborted) {
        setChildren(body);
        showProblem(box, expected(error));
      }
    }
  };
  openDialog(`Message ${id}`, (close) => [box, body,
    h("footer", {}, button("Refresh", load, { class: "secondary" }), button("Close", close))], signal);
  load();
}

/**
 * @param {MessageInFull} message
 * @returns {Child}
 */
function attemptsOf({ status, reason, attempts }) {
  const rows = attempts.map((attempt) => h("tr", {},
    numberCell(attempt.number), h("td", { class: "moment" }, timeElement(attempt.started_at)),
    h("td", {}, attempt.outcome), numberCell(attempt.http_status ?? "–"),
    numberCell(attempt.duration_ms === null ? "–" : `${formatCount(attempt.duration_ms)} ms`),
    h("td", {}, attempt.detail ?? "")));
  return [
    h("p", {}, new Badge(status).element, reason === null ? "" : ` ${reason}`),
    rows.length ? table("Attempts", HEADS, rows) : h("p", { class: "empty" }, "No attempts yet."),
  ];
}

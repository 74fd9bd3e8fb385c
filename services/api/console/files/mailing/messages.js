/** The messages of a mailing in pages, and each with its attempts. */

import { get } from "../shared/api.js";
import { Badge } from "../shared/status_counts.js";
import { openDialog, known, problemPlace, showProblem } from "../shared/dialog.js";
import { downloadButton } from "../shared/download.js";
import { fill, h, number, say, table } from "../shared/elements.js";
import { select } from "../shared/fields.js";
import { count, several, time } from "../shared/format.js";
import { Repeating } from "../shared/polling.js";
import { List, Rows } from "../shared/paged_list.js";
import { link } from "../shared/router.js";
import { STATUSES } from "../shared/vocabulary.js";

const LIMIT = 25;
const EVERY = 3;

/** A section's content: {element, again(), failed}. `ended()` says whether there is nothing more to look for. */
export function messageList(mailingId, ended, signal) {
  const path = `mailings/${mailingId}/messages`;
  const status = select([["", "All statuses"], ...STATUSES.map((one) => [one, one])], "", {
    "aria-label": "Status of the messages", onchange: () => {
      list.reset();
      looking.again();
    },
  });
  const looking = new Repeating(async (own) => {
    const last = ended();
    list.show(await get(path, { status: status.value || null, limit: LIMIT, cursor: list.cursor }, own));
    return !last;
  }, EVERY, signal);
  const list = new List({
    label: "Messages", empty: "There are no such messages.", turned: () => looking.again(),
    heads: [["Id", "number"], ["Client", "number"], "Status", "Reason", ["Attempts", "number"], "Created", "Sent"],
    rows: new Rows((message) => row(message, signal)),
  });
  const save = downloadButton("Download as CSV", () => ({
    path, query: { status: status.value || null }, accept: "text/csv", name: `mailing-${mailingId}-messages.csv`,
    otherwise: "Filter by status, or take them page by page from the API.",
  }), signal);
  looking.again();
  const tools = h("div", { class: "tools" }, status, save.button);
  const element = h("div", {}, tools, save.place, list.element);
  return { element, again: () => looking.again(), failed: looking.failed };
}

function row(message, signal) {
  const badge = new Badge();
  const [reason, sent] = [h("td", {}), h("td", { class: "moment" })];
  const attempts = h("button", {
    type: "button", class: "link", onclick: () => showMessage(message.id, signal),
  });
  const element = h("tr", {}, number(message.id),
    number(h("a", { href: link(`clients/${message.client_id}`) }, message.client_id)),
    h("td", {}, badge.element), reason, number(attempts), h("td", { class: "moment" }, time(message.created_at)), sent);
  let shown;
  const update = (item) => {
    badge.update(item.status);
    say(reason, item.reason ?? "");
    say(attempts, count(item.attempts));
    attempts.setAttribute("aria-label", `${several(item.attempts, "attempt")} of message ${item.id}`);
    if (shown !== item.sent_at) {
      shown = item.sent_at;
      fill(sent, time(item.sent_at));
    }
  };
  return { element, update };
}

/** Show one message with each request that was made for it. */
function showMessage(id, signal) {
  const place = problemPlace();
  const body = h("div", {}, h("p", { "aria-busy": "true" }, "Loading"));
  const look = async () => {
    try {
      fill(place);
      fill(body, attemptsOf(await get(`messages/${id}`, {}, signal)));
    } catch (error) {
      if (!signal.aborted) {
        fill(body);
        showProblem(place, known(error));
      }
    }
  };
  openDialog(`Message ${id}`, (close) => [place, body, h("footer", {},
    h("button", { type: "button", class: "secondary", onclick: look }, "Look again"),
    h("button", { type: "button", onclick: close }, "Close"))], signal);
  look();
}

function attemptsOf(message) {
  const rows = message.attempts.map((attempt) => h("tr", {},
    number(attempt.number), h("td", { class: "moment" }, time(attempt.started_at)),
    h("td", {}, attempt.outcome), number(attempt.http_status ?? "–"),
    number(attempt.duration_ms === null ? "–" : `${count(attempt.duration_ms)} ms`),
    h("td", {}, attempt.detail ?? "")));
  const heads = [["No.", "number"], "Started", "Outcome", ["HTTP", "number"], ["Took", "number"], "Detail"];
  return [
    h("p", {}, new Badge(message.status).element, message.reason === null ? "" : ` ${message.reason}`),
    rows.length ? table("Attempts", heads, rows) : h("p", { class: "empty" }, "No request was made for it yet."),
  ];
}

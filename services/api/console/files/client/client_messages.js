/** The mailings of a client as a table, the newest first. */

/** @import { MessageOfClient } from "api-types" */

import { get } from "../shared/api.js";
import { h, numberCell, setChildren, setText } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { link } from "../shared/router.js";
import { describeReason, say, sayOf } from "../shared/words/language.js";

const INTERVAL_SECONDS = 10;
const LIMIT = 25;

/**
 * Makes the table, and loads it again and again.
 * @param {number} clientId
 * @param {AbortSignal} signal
 */
export function clientMessages(clientId, signal) {
  const poller = new Poller(async (own) => {
    list.show(await get(`clients/${clientId}/messages`, { limit: LIMIT, cursor: list.cursor }, own));
  }, INTERVAL_SECONDS, signal);
  /** @type {PagedList<MessageOfClient>} */
  const list = new PagedList({
    label: say("mailings"), empty: say("no_mailings_of_client"), onturn: () => poller.restart(),
    heads: [say("mailing"), say("status"), say("reason"), [say("attempts"), "number"], say("created"), say("sent")],
    row: (message) => new MessageRow(message),
  });
  poller.restart();
  return { element: list.element, failed: poller.failed };
}

class MessageRow {
  /** @param {MessageOfClient} message */
  constructor(message) {
    const { mailing_id: mailing, mailing_name: name, mailing_deleted: deleted } = message;
    const title = name || say("mailing_number", { id: String(mailing) });
    this.status = h("span", {});
    this.reason = h("td", {});
    this.attempts = numberCell("");
    this.sent = h("td", { class: "moment" });
    this.element = h("tr", {},
      h("td", { class: "title" }, deleted ? title : h("a", { href: link(`mailings/${mailing}`) }, title)),
      h("td", {}, this.status), this.reason, this.attempts,
      h("td", { class: "moment" }, timeElement(message.created_at)), this.sent);
    this.sentAt = "";
  }

  /** @param {MessageOfClient} message */
  update({ status, reason, attempts, sent_at: sentAt }) {
    this.status.className = `badge status-${status}`;
    setText(this.status, sayOf("status", status));
    setText(this.reason, reason === null ? "" : describeReason(reason));
    setText(this.attempts, String(attempts));
    if (sentAt !== null && sentAt !== this.sentAt) {
      this.sentAt = sentAt;
      setChildren(this.sent, timeElement(sentAt));
    }
  }
}

/** Lists the messages of a mailing. */

/** @import { Message, Reason } from "api-types" */
/** @import { Head } from "../shared/elements.js" */
/** @import { Delivery } from "./delivery.js" */

import { get } from "../shared/api.js";
import { downloadButton } from "../shared/download.js";
import { button, h, numberCell, setChildren, setText } from "../shared/elements.js";
import { option, select } from "../shared/forms/fields.js";
import { asStored } from "../shared/forms/phone.js";
import { exactTimeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { link, recall, remember } from "../shared/router.js";
import { Badge } from "../shared/status_counts.js";
import { STATUSES } from "../shared/vocabulary.js";
import { describeReason, formatCount, say, sayCount, sayOf } from "../shared/words/language.js";
import { DELIVERIES } from "./delivery.js";
import { showMessage } from "./message_dialog.js";

const LIMIT = 25;
const INTERVAL_SECONDS = 3;
/** @type {Head[]} */
const HEADS = [say("phone"), say("status"), say("meaning"), [say("attempts"), "number"], say("sent"),
  [say("id"), "number"]];

/**
 * Makes the list, with a filter and a download.
 * @param {number} mailingId
 * @param {() => boolean} isOver Whether nothing of the mailing changes any more.
 * @param {AbortSignal} signal
 */
export function messageList(mailingId, isOver, signal) {
  const path = `mailings/${mailingId}/messages`;
  const statuses = STATUSES.map((one) => option("status", one));
  const status = select([["", say("all_statuses")], ...statuses], recall("status") ?? "", {
    "aria-label": say("status"), onchange: () => filter(status.value, null, ""),
  });
  const delivery = select([["", say("any_delivery")], ...DELIVERIES.map((one) => option("delivery", one))],
    recall("delivery") ?? "", { "aria-label": say("delivery"), onchange: () => filter("", null, delivery.value) });
  const phone = h("input", {
    type: "search", "aria-label": say("find_phone"), placeholder: say("find_phone"), autocomplete: "off",
    value: recall("phone") ?? "", onchange: () => findPhone(),
  });
  let reason = recall("reason");
  let ofPhone = recall("phone");
  const chosen = h("span", {});
  const query = () => ({
    status: status.value || null, reason, delivery: delivery.value || null, phone: ofPhone || null,
  });
  const filter = (/** @type {string} */ wanted, /** @type {string | null} */ why, /** @type {string} */ receipt,
    /** @type {string} */ number = "") => {
    status.value = wanted;
    reason = why;
    delivery.value = receipt;
    ofPhone = number;
    phone.value = number;
    remember("phone", number);
    remember("delivery", receipt);
    remember("status", wanted);
    remember("reason", why);
    showChosen();
    list.reset();
    poller.restart();
  };
  const findPhone = () => {
    const number = asStored(phone.value);
    const isWhole = number === "" || /^7\d{10}$/.test(number);
    phone.setAttribute("aria-invalid", String(!isWhole));
    if (isWhole) {
      phone.removeAttribute("aria-invalid");
      filter("", null, "", number);
    }
  };
  const showChosen = () => {
    const value = reason === null ? "" : describeReason(reason);
    setChildren(chosen, value && h("span", { class: "chip" }, value,
      button("×", () => filter(status.value, null, ""), { class: "link", "aria-label": say("remove", { value }) })));
  };
  const poller = new Poller(async (own) => {
    const last = isOver();
    list.show(await get(path, { ...query(), limit: LIMIT, cursor: list.cursor }, own));
    return !last;
  }, INTERVAL_SECONDS, signal);
  /** @type {PagedList<Message>} */
  const list = new PagedList({
    kept: "messages", label: say("messages"), heads: HEADS, empty: say("no_messages"), onturn: () => poller.restart(),
    row: (message) => new MessageRow(message, signal),
  });
  const download = downloadButton(say("as_csv"), () => ({
    path, query: query(), accept: "text/csv", name: `mailing-${mailingId}-messages.csv`,
    otherwise: say("too_many_messages"),
  }), signal);
  showChosen();
  poller.restart();
  const tools = h("div", { class: "tools" }, status, delivery, phone, chosen, download.button);
  const element = h("div", {}, tools, download.box, list.element);
  return {
    element, reload: () => poller.restart(), failed: poller.failed,
    showReason: (/** @type {Reason} */ one) => {
      filter(one.status, one.reason, "");
      element.scrollIntoView({ behavior: "smooth", block: "start" });
    },
    showDelivery: (/** @type {Delivery} */ one) => {
      filter("", null, one);
      element.scrollIntoView({ behavior: "smooth", block: "start" });
    },
  };
}

class MessageRow {
  /**
   * @param {Message} message
   * @param {AbortSignal} signal
   */
  constructor(message, signal) {
    this.badge = new Badge("status");
    this.reason = h("td", {});
    this.attempts = button("", () => showMessage(message.id, signal), { class: "link" });
    this.sent = h("td", { class: "moment" });
    /** @type {string | null | undefined} */
    this.sentAt = undefined;
    const client = h("a", { href: link(`clients/${message.client_id}`) }, message.phone ?? say("deleted_client"));
    this.element = h("tr", {}, h("td", { class: "moment" }, client),
      h("td", {}, this.badge.element), this.reason, numberCell(this.attempts), this.sent, numberCell(message.id));
  }

  /** @param {Message} message */
  update(message) {
    this.badge.update(message.status);
    setText(this.reason, meaningOf(message));
    setText(this.attempts, formatCount(message.attempts));
    this.attempts.setAttribute("aria-label", sayCount("attempts_of", message.attempts, { id: String(message.id) }));
    if (this.sentAt !== message.sent_at) {
      this.sentAt = message.sent_at;
      setChildren(this.sent, exactTimeElement(message.sent_at));
    }
  }
}

/**
 * What became of a message: what its receipt says, else why it has its status.
 * @param {Message} message
 */
function meaningOf({ status, reason, delivery, delivery_reason: why }) {
  if (delivery !== null) {
    return why === null ? sayOf("delivery", delivery) : say("undelivered_because", { reason: describeReason(why) });
  }
  return reason === null ? say(`meaning_${status}`) : describeReason(reason);
}

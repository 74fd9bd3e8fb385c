/** What receipts say of a mailing: counts by provider, and the time to the handset. */

/** @import { Mailing, MailingDelivery, MailingStatistics, ProviderDelivery, TimeToHandset } from "api-types" */
/** @import { Head } from "../shared/elements.js" */

import { get } from "../shared/api.js";
import { button, h, numberCell, section, setChildren, table } from "../shared/elements.js";
import { formatDuration } from "../shared/format.js";
import { Poller } from "../shared/polling.js";
import { describeReason, formatCount, say, sayOf } from "../shared/words/language.js";
import { isOver } from "./resend_dialog.js";

/** @typedef {"delivered" | "undelivered" | "waiting"} Delivery */
/** @type {Delivery[]} */
export const DELIVERIES = ["delivered", "undelivered", "waiting"];

/** @type {Array<"unconfirmed" | "no_receipt">} */
const SILENT = ["unconfirmed", "no_receipt"];
const INTERVAL_SECONDS = 5;

/**
 * The section of delivery, which is hidden where no provider sends receipts. While a mailing runs, its statistics say
 * when to ask for more. Receipts come long after they have ended: then it asks as long as some are missing.
 */
export class DeliverySection {
  /**
   * @param {number} mailingId
   * @param {(delivery: Delivery) => void} onchosen Called when the messages with a delivery are asked for.
   * @param {(() => unknown) | null} onresend Called when the undelivered are to be sent again.
   * @param {AbortSignal} signal
   */
  constructor(mailingId, onchosen, onresend, signal) {
    this.onchosen = onchosen;
    this.known = "";
    this.isOver = this.mayResend = false;
    this.body = h("div", {});
    this.resend = button(say("resend_undelivered"), onresend, { class: "small outline", hidden: true });
    this.isAllowed = onresend !== null;
    this.element = section(say("delivery"), this.body, this.resend);
    this.element.hidden = true;
    this.poller = new Poller(async (own) => {
      /** @type {MailingDelivery} */
      const found = await get(`mailings/${mailingId}/statistics/delivery`, {}, own);
      this.show(found);
      return this.isOver && found.unconfirmed + found.waiting > 0;
    }, INTERVAL_SECONDS, signal);
  }

  /**
   * @param {MailingStatistics} statistics
   * @param {Mailing} mailing
   */
  update({ delivery, by_status: counts }, mailing) {
    this.isOver = mailing.finished_at !== null;
    this.mayResend = this.isAllowed && mailing.status !== "cancelled"
      && (mailing.status === "finished" || !isOver(mailing));
    const known = JSON.stringify([delivery, counts.sent, this.isOver, this.mayResend]);
    if (known !== this.known && (delivery !== null || this.isOver)) {
      this.known = known;
      this.poller.restart();
    }
  }

  /** @param {MailingDelivery} found */
  show(found) {
    this.element.hidden = found.by_provider.length === 0;
    this.resend.hidden = !this.mayResend || found.undelivered === 0;
    const rows = found.by_provider.map((one) => this.row(one.provider, one));
    const sum = this.row(say("total"), found);
    sum.classList.add("sum");
    const reasons = found.reasons.map(({ reason, count }) => h("li", {},
      say("undelivered_count", { reason: describeReason(reason), count })));
    setChildren(this.body, table(say("delivery"), heads(), [...rows, sum]),
      reasons.length > 0 && h("ul", { class: "hint" }, reasons));
  }

  /**
   * @param {string} name
   * @param {ProviderDelivery | MailingDelivery} counts
   */
  row(name, counts) {
    const chosen = DELIVERIES.map((one) => numberCell(counts[one] === 0 ? "0" : button(formatCount(counts[one]),
      () => this.onchosen(one), { class: "link", title: say("show_these"), "aria-label": sayOf("delivery", one) })));
    return h("tr", {}, h("td", {}, name), chosen, SILENT.map((one) => numberCell(formatCount(counts[one]))),
      timesOf(counts.time_to_handset).map((time) => numberCell(time)));
  }
}

/** @returns {Head[]} */
function heads() {
  const counted = [...DELIVERIES, ...SILENT].map((one) => sayOf("delivery", one));
  return [say("provider"), ...[...counted, say("handset_half"), say("handset_most")].map(asNumber)];
}

/**
 * @param {string} text
 * @returns {Head}
 */
function asNumber(text) {
  return [text, "number"];
}

/** @param {TimeToHandset} times */
function timesOf({ p50, p95 }) {
  return [p50, p95].map((seconds) => (seconds === null ? "–" : formatDuration(seconds)));
}

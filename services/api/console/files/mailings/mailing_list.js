/** A list of mailings, each with what has come of it. */

/** @import { Mailing } from "api-types" */
/** @import { Head } from "../shared/elements.js" */
/** @import { Word } from "../shared/words/language.js" */

import { offersOf } from "../mailing/actions.js";
import { h, setChildren, setText } from "../shared/elements.js";
import { formatDuration, formatRate, timeElement } from "../shared/format.js";
import { describeActivity } from "../shared/health/activity.js";
import { PagedList } from "../shared/paged_list.js";
import { link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { Badge, StatusBar } from "../shared/status_counts.js";
import { MANY_FAILED, countFailed, failedShare, outcomeOf } from "../shared/vocabulary.js";
import { formatCount, formatShare, say } from "../shared/words/language.js";
import { menuButton } from "./menu.js";

/** @type {Head[]} */
const HEADS = [say("mailing"), say("state"), say("progress"), [say("sent"), "number"], [say("failed"), "number"],
  [say("rate"), "number"], [say("time_left"), "number"], say("ends")];

/**
 * Makes the list.
 * @param {object} options
 * @param {string} options.label
 * @param {string} options.empty
 * @param {() => void} options.onturn
 * @param {() => void} options.onaction Called after something was done to a mailing.
 * @param {AbortSignal} options.signal
 * @param {string} [options.kept] The parameter of the address that keeps the page.
 * @returns {PagedList<Mailing>}
 */
export function mailingList({ label, empty, onturn, onaction, signal, kept }) {
  /** @type {Head[]} */
  const heads = may("operator") ? [...HEADS, [say("actions"), "unseen"]] : HEADS;
  /** @type {PagedList<Mailing>} */
  const list = new PagedList({
    kept, label, heads, empty, onturn, row: (mailing) => new MailingRow(mailing, onaction, signal),
  });
  list.element.classList.add("mailings");
  return list;
}

/**
 * Makes a cell that has its column's name beside it where there is no room for columns.
 * @param {Word} name
 * @param {string} kind
 */
function namedCell(name, kind) {
  return h("td", { class: kind, "data-name": say(name) });
}

class MailingRow {
  /**
   * @param {Mailing} mailing
   * @param {() => void} onaction
   * @param {AbortSignal} signal
   */
  constructor(mailing, onaction, signal) {
    this.mailing = mailing;
    this.title = h("a", { href: link(`mailings/${mailing.id}`) });
    this.text = h("small", {});
    this.badge = new Badge("state");
    this.bar = new StatusBar();
    this.sent = namedCell("sent", "number");
    this.failed = namedCell("failed", "number");
    this.speed = namedCell("rate", "number");
    this.left = namedCell("time_left", "number");
    this.ends = namedCell("ends", "moment");
    this.endAt = "";
    const label = say("actions_of", { id: String(mailing.id) });
    const menu = menuButton(label, () => offersOf(this.mailing, onaction, signal));
    this.element = h("tr", {},
      h("td", { class: "title" }, this.title, this.text), h("td", { class: "state" }, this.badge.element),
      h("td", { class: "progress" }, this.bar.element), this.sent, this.failed, this.speed, this.left, this.ends,
      may("operator") && h("td", { class: "menu-cell" }, menu));
  }

  /** @param {Mailing} mailing */
  update(mailing) {
    this.mailing = mailing;
    setText(this.title, mailing.name || mailing.text);
    setText(this.text, mailing.name ? mailing.text : "");
    this.bar.update(mailing.by_status);
    this.badge.update(outcomeOf(mailing));
    this.badge.element.title = describeActivity(mailing.activity);
    this.updateProgress(mailing);
    if (this.endAt !== mailing.end_at) {
      this.endAt = mailing.end_at;
      setChildren(this.ends, timeElement(mailing.end_at));
    }
  }

  /** @param {Mailing} mailing */
  updateProgress({ status, by_status: counts, total, rate, eta }) {
    const failed = countFailed(counts);
    setText(this.sent, status === "running" || status === "paused" ? say("sent_of", { sent: counts.sent, total })
      : formatCount(counts.sent));
    setText(this.failed, failed === 0 ? formatCount(0)
      : say("failed_share", { failed, share: formatShare(failedShare(counts)) }));
    this.failed.classList.toggle("many", failedShare(counts) > MANY_FAILED);
    setText(this.speed, status === "running" ? formatRate(rate) : "");
    setText(this.left, status === "running" && eta !== null ? formatDuration(eta) : "");
  }
}

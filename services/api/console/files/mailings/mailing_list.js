/** A list of mailings, each with its progress. */

/** @import { Mailing } from "api-types" */
/** @import { Head } from "../shared/elements.js" */

import { h, numberCell, setChildren, setText } from "../shared/elements.js";
import { formatDuration, formatRate, timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { Rate } from "../shared/rate.js";
import { link } from "../shared/router.js";
import { Badge, StatusBar } from "../shared/status_counts.js";
import { countFinal, countWaiting, outcomeOf } from "../shared/vocabulary.js";
import { say } from "../shared/words/language.js";

/** @type {Head[]} */
const HEADS = [[say("id"), "number"], say("text"), say("state"), say("progress"), [say("final"), "number"],
  [say("rate"), "number"], [say("time_left"), "number"], say("ends")];

/**
 * Makes the list.
 * @param {string} label
 * @param {string} empty
 * @param {() => void} onturn
 * @param {string} [kept] The parameter of the address that keeps the page.
 * @returns {PagedList<Mailing>}
 */
export function mailingList(label, empty, onturn, kept) {
  return new PagedList({ kept, label, heads: HEADS, empty, onturn, row: (mailing) => new MailingRow(mailing) });
}

class MailingRow {
  /** @param {Mailing} mailing */
  constructor(mailing) {
    this.text = h("a", { href: link(`mailings/${mailing.id}`) });
    this.badge = new Badge("state");
    this.bar = new StatusBar();
    this.final = numberCell("");
    this.rate = new Rate();
    this.speed = numberCell("");
    this.left = numberCell("");
    this.ends = h("td", { class: "moment" });
    this.endAt = "";
    this.element = h("tr", {},
      numberCell(mailing.id), h("td", { class: "text" }, this.text), h("td", {}, this.badge.element),
      h("td", { class: "progress" }, this.bar.element), this.final, this.speed, this.left, this.ends);
  }

  /** @param {Mailing} mailing */
  update(mailing) {
    setText(this.text, mailing.text);
    this.bar.update(mailing.by_status);
    this.updateProgress(mailing);
    if (this.endAt !== mailing.end_at) {
      this.endAt = mailing.end_at;
      setChildren(this.ends, timeElement(mailing.end_at));
    }
  }

  /** @param {Mailing} mailing */
  updateProgress(mailing) {
    const { status, by_status: counts, total, expanding } = mailing;
    const final = countFinal(counts);
    this.rate.add(final);
    const perSecond = status === "running" ? this.rate.perSecond : null;
    this.badge.update(outcomeOf(mailing, perSecond));
    setText(this.final, say(expanding ? "final_of_more" : "final_of", { final, total }));
    setText(this.speed, perSecond === null ? "" : formatRate(perSecond));
    setText(this.left, perSecond && !expanding ? formatDuration(countWaiting(counts) / perSecond) : "");
  }
}

/** The page of one mailing: its figures through the statistics stream, its messages and its events. */

/** @import { Mailing, MailingStatistics } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { get } from "../shared/api.js";
import { h, section, setText } from "../shared/elements.js";
import { eventList } from "../shared/event_list.js";
import { announce } from "../shared/notice.js";
import { poll, untilLoaded } from "../shared/polling.js";
import { heading } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { Badge } from "../shared/status_counts.js";
import { describeActivity } from "../shared/health/activity.js";
import { outcomeOf } from "../shared/vocabulary.js";
import { say, sayOf } from "../shared/words/language.js";
import { RecipientsSection } from "../recipients/recipients.js";
import { mailingActions } from "./actions.js";
import { DraftPreview } from "./draft_preview.js";
import { LiveFigures } from "./live_figures.js";
import { messageList } from "./messages.js";
import { Plan } from "./plan.js";
import { resendUndelivered } from "./resend_dialog.js";
import { followStatistics } from "./statistics_stream.js";

const INTERVAL_SECONDS = 5;
const EVENTS_INTERVAL_SECONDS = 10;

/** @param {PageContext} context */
export async function showMailing({ main, ids: [id], signal }) {
  main.append(heading(say("mailing_number", { id })));
  /** @type {Mailing | null} */
  const found = await untilLoaded(() => get(`mailings/${id}`, {}, signal), signal);
  if (found !== null) {
    await new MailingPage(found, signal).run(main);
  }
}

class MailingPage {
  /**
   * @param {Mailing} mailing
   * @param {AbortSignal} signal
   */
  constructor(mailing, signal) {
    this.path = `mailings/${mailing.id}`;
    this.mailing = mailing;
    this.signal = signal;
    this.following = false;
    /** @type {(error: unknown) => void} */
    this.fail = () => {};
    /** @type {Promise<never>} */
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.badge = new Badge("state");
    this.plan = new Plan();
    this.title = h("span", {});
    this.activity = h("p", { class: "activity", role: "status" });
    this.text = h("p", { class: "message-text" });
    this.figures = new LiveFigures(mailing.id, {
      onreason: (reason) => this.messages.showReason(reason),
      ondelivery: (delivery) => this.messages.showDelivery(delivery),
      onresend: may("operator") ? () => this.resendUndelivered() : null,
    }, signal);
    this.actions = may("operator") ? mailingActions(mailing, (changed) => this.takeChange(changed), signal) : null;
    this.messages = messageList(mailing.id, () => this.ended, signal);
    this.recipients = mailing.status === "draft" && may("operator")
      ? new RecipientsSection(mailing, () => this.load(), signal) : null;
    this.preview = new DraftPreview(signal);
    this.events = eventList(this.path, EVENTS_INTERVAL_SECONDS, signal);
  }

  /** @param {HTMLElement} main */
  async run(main) {
    const title = heading(this.title, " ", this.badge.element);
    main.replaceChildren(
      h("div", { class: "head" }, title, this.actions?.element), this.activity,
      h("div", { class: "columns" }, section(say("text"), this.text), section(say("plan"), this.plan.element)),
      ...(this.recipients === null ? [] : [this.recipients.element]), this.preview.element, this.figures.element,
      section(say("messages"), this.messages.element), section(say("events"), this.events.element));
    this.show();
    await Promise.all([
      this.follow(), this.failed, this.messages.failed, this.events.failed,
      poll(() => this.load(), INTERVAL_SECONDS, this.signal)]);
  }

  /** Whether the mailing is closed: nothing of it changes any more. */
  get ended() {
    return this.mailing.finished_at !== null;
  }

  async load() {
    this.take(await get(this.path, {}, this.signal));
  }

  /**
   * Takes over what this user has changed: the consequences are shown at once.
   * @param {Mailing} changed
   */
  takeChange(changed) {
    this.take(changed);
    this.events.reload();
    this.messages.reload();
  }

  resendUndelivered() {
    resendUndelivered(this.mailing, (changed) => this.takeChange(changed), this.signal);
  }

  /** @param {Mailing} found */
  take(found) {
    const { status, finished_at: finishedAt } = this.mailing;
    this.mailing = found;
    this.show();
    if (found.status !== status) {
      announce(say("mailing_is", { id: String(found.id), state: sayOf("state", found.status) }));
    }
    if (found.status !== status || found.finished_at !== finishedAt) {
      this.events.reload();
      this.messages.reload();
      this.follow().catch(this.fail);
    }
  }

  /** Follows the stream until it ends. A mailing that runs again is followed again. */
  async follow() {
    if (this.following) {
      return;
    }
    this.following = true;
    try {
      const show = (/** @type {MailingStatistics} */ statistics) => this.figures.update(statistics, this.mailing);
      await followStatistics(this.mailing.id, show, this.signal);
    } finally {
      this.following = false;
    }
    if (!this.ended) {
      await untilLoaded(() => this.load(), this.signal);
    }
  }

  show() {
    const { name, activity } = this.mailing;
    const id = String(this.mailing.id);
    setText(this.title, name ? say("mailing_named", { id, name }) : say("mailing_number", { id }));
    const outcome = outcomeOf(this.mailing);
    this.badge.update(outcome);
    setText(this.activity, describeActivity(activity));
    this.activity.classList.toggle("bad", outcome === "failing");
    setText(this.text, this.mailing.text);
    this.actions?.update(this.mailing);
    this.plan.update(this.mailing);
    this.preview.update(this.mailing).catch(this.fail);
    this.recipients?.update(this.mailing);
  }
}

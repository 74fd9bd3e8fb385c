/** The sessions of those who signed in with the company's account. */

/** @import { Session, Sessions } from "api-types" */

import { call, get } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, section } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { announce } from "../shared/notice.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { say, sayOf } from "../shared/words/language.js";

const INTERVAL_SECONDS = 10;

/**
 * Makes the section of sessions, which is loaded periodically.
 * @param {AbortSignal} signal
 */
export function sessionsSection(signal) {
  const poller = new Poller(async (own) => {
    /** @type {Sessions} */
    const { items } = await get("sessions", {}, own);
    list.show({ items, next: null });
  }, INTERVAL_SECONDS, signal);
  const reload = () => poller.restart();
  /** @type {PagedList<Session>} */
  const list = new PagedList({
    label: say("sessions"), empty: say("no_sessions"), onturn: reload,
    heads: [say("person"), say("role"), say("since"), say("last_seen"), say("ends"), [say("actions"), "unseen"]],
    row: (session) => new SessionRow(session, reload, signal),
  });
  reload();
  return {
    element: section(say("sessions"), h("p", { class: "hint" }, say("sessions_hint")), list.element),
    failed: poller.failed,
  };
}

class SessionRow {
  /**
   * @param {Session} session
   * @param {() => void} reload
   * @param {AbortSignal} signal
   */
  constructor(session, reload, signal) {
    const { id, name } = session;
    const end = button(say("end_session"), () => endSession(id, name, reload, signal), {
      class: "link", "aria-label": say("end_session_of", { name }),
    });
    this.seen = h("td", { class: "moment" });
    this.ends = h("td", { class: "moment" });
    this.element = h("tr", {},
      h("td", {}, name), h("td", {}, sayOf("role", session.role)),
      h("td", { class: "moment" }, timeElement(session.created_at)), this.seen, this.ends,
      h("td", { class: "tools" }, end));
  }

  /** @param {Session} session */
  update({ seen_at: seen, expires_at: ends }) {
    this.seen.replaceChildren(timeElement(seen));
    this.ends.replaceChildren(timeElement(ends));
  }
}

/**
 * @param {number} id
 * @param {string} name
 * @param {() => void} reload
 * @param {AbortSignal} signal
 */
function endSession(id, name, reload, signal) {
  confirmAction({
    title: say("end_session_title", { name }), action: say("end_session"), text: say("end_session_text"),
    perform: async () => {
      await call("DELETE", `sessions/${id}`);
      announce(say("session_was_ended", { name }));
      reload();
    },
  }, signal);
}

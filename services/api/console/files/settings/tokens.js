/** The tokens of machines and people: which there are, and how one is revoked. */

/** @import { TokenShown, TokensShown } from "api-types" */
/** @import { Word } from "../shared/words/language.js" */

import { call, get } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, section, setChildren } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { announce } from "../shared/notice.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { say, sayOf } from "../shared/words/language.js";
import { createToken } from "./token_dialog.js";

const INTERVAL_SECONDS = 10;
const LIMIT = 20;
/** @typedef {"valid" | "expired" | "revoked"} TokenState */
/** @type {Record<TokenState, Word>} */
const STATES = { valid: "token_valid", expired: "token_expired", revoked: "token_revoked" };

/**
 * Makes the section of tokens, which is loaded periodically.
 * @param {AbortSignal} signal
 */
export function tokensSection(signal) {
  const poller = new Poller(async (own) => {
    /** @type {TokensShown} */
    const page = await get("tokens", { limit: LIMIT, cursor: list.cursor }, own);
    list.show(page);
  }, INTERVAL_SECONDS, signal);
  const reload = () => poller.restart();
  /** @type {PagedList<TokenShown>} */
  const list = new PagedList({
    kept: "tokens", label: say("tokens"), empty: say("no_tokens"), onturn: reload,
    heads: [say("name"), say("role"), say("created"), say("token_used"), say("ends"), say("state"),
      [say("actions"), "unseen"]],
    row: (token) => new TokenRow(token, reload, signal),
  });
  reload();
  return {
    element: section(say("tokens"),
      h("p", { class: "hint" }, say("tokens_hint")),
      h("p", { class: "new-token" }, button(say("new_token"), () => createToken(reload, signal), { class: "small" })),
      list.element),
    failed: poller.failed,
  };
}

/**
 * Returns what has become of a token.
 * @param {TokenShown} token
 * @returns {TokenState}
 */
function stateOf({ revoked_at: revoked, expires_at: ends }) {
  if (revoked !== null) {
    return "revoked";
  }
  return ends !== null && Date.parse(ends) <= Date.now() ? "expired" : "valid";
}

class TokenRow {
  /**
   * @param {TokenShown} token
   * @param {() => void} reload
   * @param {AbortSignal} signal
   */
  constructor(token, reload, signal) {
    const { id, name } = token;
    this.revoke = button(say("revoke"), () => revoke(id, name, reload, signal), {
      class: "link", "aria-label": say("revoke_token", { name }),
    });
    this.used = h("td", { class: "moment" });
    this.state = h("td", {});
    this.element = h("tr", {},
      h("td", {}, name), h("td", {}, sayOf("role", token.role)),
      h("td", { class: "moment" }, timeElement(token.created_at)), this.used,
      h("td", { class: "moment" }, token.expires_at === null ? say("never") : timeElement(token.expires_at)),
      this.state, h("td", { class: "tools" }, this.revoke));
  }

  /** @param {TokenShown} token */
  update(token) {
    const state = stateOf(token);
    setChildren(this.used, token.last_used_at === null ? say("never") : timeElement(token.last_used_at));
    setChildren(this.state, say(STATES[state]));
    this.element.classList.toggle("past", state !== "valid");
    this.revoke.hidden = state !== "valid";
  }
}

/**
 * @param {number} id
 * @param {string} name
 * @param {() => void} reload
 * @param {AbortSignal} signal
 */
function revoke(id, name, reload, signal) {
  confirmAction({
    title: say("revoke_title", { name }), action: say("revoke"), text: say("revoke_text"),
    perform: async () => {
      await call("DELETE", `tokens/${id}`);
      announce(say("token_was_revoked", { name }));
      reload();
    },
  }, signal);
}

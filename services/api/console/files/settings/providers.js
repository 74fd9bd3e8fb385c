/** The page of providers: what each of them is doing. Admins drain one and resume it. */

/** @import { ProviderShown, ProvidersShown } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { may } from "../shared/access/session.js";
import { call, get } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, numberCell, setText } from "../shared/elements.js";
import { formatRate } from "../shared/format.js";
import { announce } from "../shared/notice.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { heading } from "../shared/router.js";
import { describeReason, formatCount, formatShare, say, sayOf } from "../shared/words/language.js";

const INTERVAL_SECONDS = 5;

/** @param {PageContext} context */
export async function showProviders({ main, signal }) {
  const poller = new Poller(async (own) => {
    /** @type {ProvidersShown} */
    const { items } = await get("providers", {}, own);
    list.show({ items: items.map((one) => ({ ...one, id: one.name })), next: null });
  }, INTERVAL_SECONDS, signal);
  const reload = () => poller.restart();
  /** @type {PagedList<ProviderShown & { id: string }>} */
  const list = new PagedList({
    label: say("providers"), empty: say("no_providers"), onturn: reload,
    heads: [say("provider"), say("state"), [say("requests_a_second"), "number"], [say("open_requests"), "number"],
      [say("failing_share"), "number"], say("reason"), [say("actions"), "unseen"]],
    row: (provider) => new ProviderRow(provider.name, reload, signal),
  });
  main.append(heading(say("providers")), list.element);
  reload();
  await poller.failed;
}

class ProviderRow {
  /**
   * @param {string} name
   * @param {() => void} reload
   * @param {AbortSignal} signal
   */
  constructor(name, reload, signal) {
    this.name = name;
    this.reload = reload;
    this.title = h("td", {});
    this.state = h("td", {});
    this.rate = numberCell("");
    this.open = numberCell("");
    this.failing = numberCell("");
    this.reason = h("td", { class: "long" });
    this.drain = button(say("drain"), () => this.askToDrain(signal), { class: "link" });
    this.resume = button(say("resume"), () => this.resumeNow(signal), { class: "link" });
    this.element = h("tr", {}, this.title, this.state, this.rate, this.open, this.failing, this.reason,
      h("td", { class: "tools" }, may("admin") && [this.drain, this.resume]));
  }

  /** @param {ProviderShown} provider */
  update({ name, state, per_second: rate, in_flight: open, failing, reason, test_mode: isTest }) {
    setText(this.title, isTest ? say("in_test_mode", { name }) : name);
    setText(this.state, sayOf("provider", state));
    setText(this.rate, formatRate(rate));
    setText(this.open, formatCount(open));
    setText(this.failing, formatShare(failing));
    setText(this.reason, reason === null ? "" : describeReason(reason));
    this.drain.hidden = state === "drained";
    this.resume.hidden = state !== "drained";
  }

  /** @param {AbortSignal} signal */
  askToDrain(signal) {
    const { name } = this;
    confirmAction({
      title: say("drain_title", { name }), action: say("drain"), text: say("drain_text"), danger: false,
      perform: () => this.change("drain", say("was_drained", { name })),
    }, signal);
  }

  /** @param {AbortSignal} signal */
  resumeNow(signal) {
    const { name } = this;
    confirmAction({
      title: say("resume_title", { name }), action: say("resume"), text: say("resume_text"), danger: false,
      perform: () => this.change("resume", say("was_resumed", { name })),
    }, signal);
  }

  /**
   * @param {"drain" | "resume"} what
   * @param {string} done
   */
  async change(what, done) {
    await call("POST", `providers/${this.name}/${what}`);
    announce(done);
    this.reload();
  }
}

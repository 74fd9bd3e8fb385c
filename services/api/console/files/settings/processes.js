/** The processes that run, their versions and limits. */

/** @import { ProcessShown, ProcessesShown } from "api-types" */

import { get } from "../shared/api.js";
import { h, section, setChildren } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 10;

/**
 * Makes the section of processes, which is loaded periodically.
 * @param {AbortSignal} signal
 */
export function processesSection(signal) {
  const several = h("p", { class: "problem", role: "status" });
  const poller = new Poller(async (own) => {
    /** @type {ProcessesShown} */
    const { items } = await get("processes", {}, own);
    list.show({ items: items.map((one) => ({ ...one, id: `${one.process} ${one.started_at}` })), next: null });
    setChildren(several, new Set(items.map(({ version }) => version)).size > 1 && say("several_versions"));
  }, INTERVAL_SECONDS, signal);
  /** @type {PagedList<ProcessShown & {id: string}>} */
  const list = new PagedList({
    label: say("processes"), empty: say("no_processes"), onturn: () => poller.restart(), row,
    heads: [say("process"), say("version"), say("since"), say("limits")],
  });
  poller.restart();
  return {
    element: section(say("processes"), h("p", { class: "hint" }, say("processes_hint")), several, list.element),
    failed: poller.failed,
  };
}

/** @param {ProcessShown & {id: string}} shown */
function row({ process, version, started_at: since, settings, limits }) {
  const values = Object.entries({ ...limits, ...settings }).filter(([, value]) => value !== "");
  return {
    element: h("tr", {},
      // A name, its number and a machine, of which the API makes an English sentence.
      h("td", { class: "process" }, process.replace(" at ", " · ")), h("td", {}, version ?? "–"),
      h("td", { class: "moment" }, timeElement(since)),
      h("td", { class: "settings long" }, values.map(([name, value]) => h("code", {}, `${name}=${value}`)))),
  };
}

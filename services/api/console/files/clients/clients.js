/** The directory of clients: searched, changed, imported and exported. */

/** @import { Client } from "api-types" */
/** @import { Child } from "../shared/elements.js" */
/** @import { PageContext } from "../shared/router.js" */

import { Problem, get } from "../shared/api.js";
import { downloadButton } from "../shared/download.js";
import { button, h } from "../shared/elements.js";
import { Poller } from "../shared/polling.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { Chosen } from "./chosen.js";
import { editClient } from "./client_dialogs.js";
import { clientList } from "./client_list.js";
import { SearchForm } from "./search_form.js";
import { say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 10;
const LIMIT = 25;

/** @param {PageContext} context */
export async function showClients({ main, query, signal }) {
  const wanted = {
    // Older addresses have the whole phone.
    q: query.get("q") ?? query.get("phone"),
    operator_code: query.get("operator_code"), tag: query.get("tag"), external_id: query.get("external_id"),
  };
  const search = new SearchForm(wanted);
  const poller = new Poller(async (own) => {
    try {
      /** @type {{items: Client[], next: string | null}} */
      const page = await get("clients", { ...wanted, limit: LIMIT, cursor: list.cursor }, own);
      list.show(page);
      chosen.update(page.items);
      chosen.allLabel.hidden = page.items.length === 0;
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 422) {
        throw error;
      }
      list.show({ items: [], next: null });
      search.showProblem(error);
      return false;
    }
  }, INTERVAL_SECONDS, signal);
  const reload = () => poller.restart();
  const chosen = new Chosen(reload, signal);
  const list = clientList(chosen, reload, signal);
  const download = downloadButton(say("export"), () => ({
    path: "clients/export", query: wanted, accept: "text/csv", name: "clients.csv",
    otherwise: say("export_otherwise"),
  }), signal);
  main.append(
    h("div", { class: "head" }, heading(say("clients")),
      h("div", { class: "tools" }, may("operator") && changeButtons(signal), segmentsLink(), download.button)),
    download.box, search.element, ...(may("operator") ? [chosen.allLabel, chosen.element] : []), list.element);
  poller.restart();
  await poller.failed;
}

/**
 * @param {AbortSignal} signal
 * @returns {Child}
 */
function changeButtons(signal) {
  const addClient = () => editClient(null, (added) => go(link(`clients/${added.id}`)), signal);
  return [
    button(say("new_client"), addClient, { class: "small" }),
    h("a", { href: "#/clients/import", role: "button", class: "small" }, say("import")),
  ];
}

/** @returns {Child} */
function segmentsLink() {
  return [
    h("a", { href: "#/segments", role: "button", class: "small outline" }, say("segments_of_clients")),
    h("a", { href: "#/stop-list", role: "button", class: "small outline" }, say("stop_list")),
  ];
}

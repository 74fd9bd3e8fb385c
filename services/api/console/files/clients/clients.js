/** The directory of clients: searched, changed, imported and exported. */

/** @import { Child } from "../shared/elements.js" */
/** @import { PageContext } from "../shared/router.js" */

import { Problem, get } from "../shared/api.js";
import { downloadButton } from "../shared/download.js";
import { button, h } from "../shared/elements.js";
import { Poller } from "../shared/polling.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { editClient } from "./client_dialogs.js";
import { clientList } from "./client_list.js";
import { importClients } from "./import_dialog.js";
import { SearchForm } from "./search_form.js";
import { say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 10;
const LIMIT = 25;

/** @param {PageContext} context */
export async function showClients({ main, query, signal }) {
  const wanted = { phone: query.get("phone"), operator_code: query.get("operator_code"), tag: query.get("tag") };
  const search = new SearchForm(wanted);
  const poller = new Poller(async (own) => {
    try {
      list.show(await get("clients", { ...wanted, limit: LIMIT, cursor: list.cursor }, own));
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
  const list = clientList(reload, signal);
  const download = downloadButton(say("export"), () => ({
    path: "clients/export", query: wanted, accept: "text/csv", name: "clients.csv",
    otherwise: say("export_otherwise"),
  }), signal);
  main.append(
    h("div", { class: "head" }, heading(say("clients")),
      h("div", { class: "tools" }, may("operator") && changeButtons(reload, signal), download.button)),
    download.box, search.element, list.element);
  poller.restart();
  await poller.failed;
}

/**
 * @param {() => void} reload
 * @param {AbortSignal} signal
 * @returns {Child}
 */
function changeButtons(reload, signal) {
  const addClient = () => editClient(null, (added) => go(link(`clients/${added.id}`)), signal);
  return [
    button(say("new_client"), addClient, { class: "small" }),
    button(say("import"), () => importClients(reload, signal), { class: "small" }),
  ];
}

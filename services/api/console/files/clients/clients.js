/** The directory: searched, changed, imported and exported. */

import { Problem, get } from "../shared/api.js";
import { deleteClient, editClient } from "./client_dialogs.js";
import { problemPlace, showProblem } from "../shared/dialog.js";
import { downloadButton } from "../shared/download.js";
import { fill, h, number, say } from "../shared/elements.js";
import { field, freshFlag, showErrors } from "../shared/fields.js";
import { time } from "../shared/format.js";
import { Repeating } from "../shared/polling.js";
import { List, Rows } from "../shared/paged_list.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/session.js";
import { importClients } from "./import_dialog.js";

const EVERY = 10;
const LIMIT = 25;

export async function clients({ main, query, signal }) {
  const wanted = Object.fromEntries(["phone", "operator_code", "tag"].map((name) => [name, query.get(name)]));
  const place = problemPlace();
  const search = searchForm(wanted);
  const looking = new Repeating((own) => look(own), EVERY, signal);
  const look = async (own) => {
    try {
      list.show(await get("clients", { ...wanted, limit: LIMIT, cursor: list.cursor }, own));
      return true;
    } catch (error) {
      return refused(error, { search, place, list });
    }
  };
  const again = () => looking.again();
  const change = (item) => editClient(item, again, signal);
  const remove = (item) => deleteClient(item, again, signal);
  const list = new List({
    label: "Clients", turned: again, empty: "No client is found.", rows: new Rows((item) => row(item, change, remove)),
    heads: [["Id", "number"], "Phone", "Operator code", "Tag", "Time zone", "Changed", ...may("operator") ? [""] : []],
  });
  const save = downloadButton("Export", () => ({
    path: "clients/export", query: wanted, accept: "text/csv", name: "clients.csv",
    otherwise: "Use the command: herald clients export.",
  }), signal);
  const button = (text, onclick) => h("button", { type: "button", class: "small", onclick }, text);
  const add = () => editClient(null, (made) => go(link(`clients/${made.id}`)), signal);
  main.append(
    h("div", { class: "head" }, heading("Clients"), h("div", { class: "tools" },
      may("operator") && [button("New client", add), button("Import", () => importClients(again, signal))],
      save.button)),
    save.place, search, place, list.element);
  again();
  await looking.failed;
}

/** Show a search that cannot be at its fields. Returns that there is nothing to look for again. */
function refused(error, { search, place, list }) {
  if (!(error instanceof Problem) || error.status !== 422) {
    throw error;
  }
  list.show({ items: [], next: null });
  fill(place);
  const left = showErrors(search, error.errors);
  if (left.length) {
    showProblem(place, error, left);
  }
  return false;
}

function searchForm(wanted) {
  const input = (name) => h("input", { type: "text", value: wanted[name] ?? "", autocomplete: "off" });
  const inputs = { phone: input("phone"), operator_code: input("operator_code"), tag: input("tag") };
  const untagged = freshFlag("Only without a tag", wanted.tag === "");
  const form = h("form", { class: "search", "aria-label": "Search clients", novalidate: true },
    field("phone", "Phone", inputs.phone), field("operator_code", "Operator code", inputs.operator_code),
    field("tag", "Tag", inputs.tag), untagged.element, h("button", { type: "submit" }, "Search"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = Object.entries(inputs).map(([name, one]) => [name, one.value.trim() || null]);
    const query = Object.fromEntries(given);
    go(link("clients", untagged.input.checked ? { ...query, tag: "" } : query));
  });
  return form;
}

function row(client, change, remove) {
  let shown = client;
  const [phone, code, tag, zone, changed] = ["phone", "", "tag", "", "moment"].map((kind) => h("td", { class: kind }));
  const anchor = h("a", { href: link(`clients/${client.id}`) });
  phone.append(anchor);
  const button = (text, onclick) => h("button", {
    type: "button", class: "link", "aria-label": `${text} client ${client.id}`, onclick,
  }, text);
  const element = h("tr", {}, number(client.id), phone, code, tag, zone, changed, may("operator")
    && h("td", { class: "tools" }, button("Edit", () => change(shown)), button("Delete", () => remove(shown))));
  const update = (item) => {
    shown = item;
    say(anchor, item.phone);
    say(code, item.operator_code);
    say(tag, item.tag);
    say(zone, item.timezone);
    if (changed.firstChild?.dateTime !== item.updated_at) {
      fill(changed, time(item.updated_at));
    }
  };
  return { element, update };
}

/** Adds and edits a client, and deletes one. */

import { call } from "../shared/api.js";
import { announce, confirm, known, openDialog, problemPlace, showProblem, work } from "../shared/dialog.js";
import { freshId, h } from "../shared/elements.js";
import { clearErrors, field, showErrors } from "../shared/fields.js";
import { zones } from "../shared/time_zones.js";

/** Open the form, for a new client where none is given. `saved(client)` is told what came of it. */
export function editClient(client, saved, signal) {
  const place = problemPlace();
  const inputs = inputsOf(client);
  const zoneList = h("datalist", { id: freshId("zones") }, zones().map((zone) => h("option", { value: zone })));
  inputs.timezone.setAttribute("list", zoneList.id);
  openDialog(client ? `Edit client ${client.id}` : "New client", (close) => {
    const button = h("button", { type: "submit" }, "Save");
    const form = h("form", { novalidate: true },
      field("phone", "Phone", inputs.phone, { hint: "7 and ten more digits." }),
      field("operator_code", "Operator code", inputs.operator_code, { hint: client ? null : "Empty: digits 2 to 4." }),
      field("tag", "Tag", inputs.tag),
      field("timezone", "Time zone", inputs.timezone, { hint: client ? null : "Empty: that of the installation." }),
      zoneList, place,
      h("footer", {}, h("button", { type: "button", class: "secondary", onclick: close }, "Back"), button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      work(button, place, () => save(client, inputs, { form, place, close, saved }));
    });
    return form;
  }, signal);
}

function inputsOf(client) {
  const input = (name, more = {}) => h("input", {
    type: "text", autocomplete: "off", value: client?.[name] ?? "", ...more,
  });
  return {
    phone: input("phone", { type: "tel", placeholder: "79161234567" }),
    operator_code: input("operator_code", { inputmode: "numeric" }), tag: input("tag"), timezone: input("timezone"),
  };
}

async function save(client, inputs, { form, place, close, saved }) {
  clearErrors(form);
  const read = (name, input) => (name === "tag" ? input.value : input.value.trim());
  const given = Object.entries(inputs).map(([name, input]) => [name, read(name, input)]);
  // What is empty in a new client takes its default; in an edit, only what was changed is sent.
  const wanted = given.filter(([name, value]) => (client ? value !== client[name] : value !== "" || name === "phone"));
  try {
    const body = Object.fromEntries(wanted);
    const answer = await (client ? call("PATCH", `clients/${client.id}`, { body }) : call("POST", "clients", { body }));
    announce(client ? `Client ${client.id} is changed.` : `Client ${answer.id} is added.`);
    close();
    saved(answer);
  } catch (error) {
    showProblem(place, known(error), showErrors(form, error.errors ?? []));
  }
}

export function deleteClient(client, deleted, signal) {
  confirm({
    title: `Delete client ${client.id}?`, action: "Delete the client",
    text: `${client.phone} leaves the directory for good. Messages that wait for this client are cancelled; those that `
      + "were sent still count.",
    doing: async () => {
      await call("DELETE", `clients/${client.id}`);
      announce(`Client ${client.id} is deleted.`);
      deleted();
    },
  }, signal);
}

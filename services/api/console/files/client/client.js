/** One client, and what happened to them. */

import { get } from "../shared/api.js";
import { deleteClient, editClient } from "../clients/client_dialogs.js";
import { fill, h, section } from "../shared/elements.js";
import { time } from "../shared/format.js";
import { once } from "../shared/polling.js";
import { go, heading } from "../shared/router.js";
import { may } from "../shared/session.js";
import { timeline } from "../shared/event_list.js";

export async function client({ main, ids: [id], signal }) {
  let shown;
  main.append(heading(`Client ${id}`));
  await once(async () => {
    shown = await get(`clients/${id}`, {}, signal);
  }, signal);
  if (signal.aborted) {
    return;
  }
  const plan = h("dl", { class: "plan" });
  const events = timeline(`clients/${id}`, 10, signal);
  const show = (found) => {
    shown = found;
    fill(plan, planOf(found));
  };
  const saved = (found) => {
    show(found);
    events.again();
  };
  const button = (text, kind, onclick) => h("button", { type: "button", class: kind, onclick }, text);
  main.replaceChildren(
    h("div", { class: "head" }, heading(`Client ${id}`), may("operator") && h("div", { class: "actions" },
      button("Edit", "small outline", () => editClient(shown, saved, signal)),
      button("Delete", "small outline danger", () => deleteClient(shown, () => go("#/clients"), signal)))),
    plan, section("Events", events.element));
  show(shown);
  await events.failed;
}

function planOf(client) {
  return [
    ["Phone", client.phone], ["Operator code", client.operator_code], ["Tag", client.tag || "–"],
    ["Time zone", client.timezone], ["Added", time(client.created_at)], ["Changed", time(client.updated_at)],
  ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

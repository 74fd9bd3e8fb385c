/** What an operator does to a mailing: pause, resume, cancel, delete, send again. */

import { call, get } from "../shared/api.js";
import { announce, confirm, openDialog, problemPlace, work } from "../shared/dialog.js";
import { fill, h } from "../shared/elements.js";
import { count, several } from "../shared/format.js";
import { editMailing } from "./edit_dialog.js";
import { go } from "../shared/router.js";
import { ACTIONS, EDITABLE, UNSENT } from "../shared/vocabulary.js";

/** Buttons for what the state allows: {element, update(mailing)}. `changed(mailing)` is told what came of it. */
export function actionsOf(id, changed, signal) {
  const place = problemPlace();
  let mailing = null;
  const act = async (action) => {
    changed(await call("POST", `mailings/${id}/${action}`));
  };
  const direct = (action, name) => {
    const button = h("button", { type: "button", class: "small" }, name);
    button.addEventListener("click", () => work(button, place, () => act(action)));
    return button;
  };
  const asked = (name, onclick, kind = "small outline") => h("button", { type: "button", class: kind, onclick }, name);
  const buttons = {
    pause: direct("pause", "Pause"),
    resume: direct("resume", "Resume"),
    edit: asked("Edit", () => editMailing(mailing, changed, signal)),
    resend: asked("Send again", () => resend(id, changed, signal)),
    cancel: asked("Cancel", () => confirm({
      title: `Cancel mailing ${id}?`, action: "Cancel the mailing", doing: () => act("cancel"),
      text: "Sending stops at once, and the messages that were not sent are cancelled. This cannot be taken back.",
    }, signal)),
    remove: asked("Delete", () => remove(id, signal), "small outline danger"),
  };
  const update = (shown) => {
    mailing = shown;
    const past = Date.parse(shown.end_at) <= Date.now();
    for (const action of Object.keys(ACTIONS)) {
      buttons[action].hidden = !ACTIONS[action].includes(shown.status);
    }
    buttons.edit.hidden = !EDITABLE[shown.status].length;
    buttons.resend.hidden = past || shown.status === "cancelled" || !UNSENT.some((one) => shown.by_status[one] > 0);
  };
  return { element: h("div", {}, h("div", { class: "actions" }, Object.values(buttons)), place), update };
}

function remove(id, signal) {
  confirm({
    title: `Delete mailing ${id}?`, action: "Delete the mailing",
    text: "Sending stops at once, and the mailing is gone from all lists. Its messages still count in the overview.",
    doing: async () => {
      await call("DELETE", `mailings/${id}`);
      announce(`Mailing ${id} is deleted.`);
      go("#/mailings");
    },
  }, signal);
}

/** Ask which messages to send again, by the status they ended with. */
function resend(id, changed, signal) {
  const place = problemPlace();
  const choices = h("fieldset", {}, h("p", { "aria-busy": "true" }, "Counting"));
  openDialog(`Send messages of mailing ${id} again`, (close) => {
    const button = h("button", { type: "button" }, "Send again");
    button.addEventListener("click", async () => {
      if (await work(button, place, () => again(id, choices, changed))) {
        close();
      }
    });
    return [h("p", {}, "What was sent is never sent again. These were not, and get a new round of attempts:"), choices,
      place, h("footer", {}, h("button", { type: "button", class: "secondary", onclick: close }, "Back"), button)];
  }, signal);
  work(choices, place, async () => offer(choices, await get(`mailings/${id}`, {}, signal)));
}

function offer(choices, { by_status: counts }) {
  fill(choices, h("legend", {}, "Statuses"), UNSENT.map((status) => h("label", {},
    h("input", { type: "checkbox", value: status, disabled: !counts[status], checked: false }),
    `${status} (${count(counts[status])})`)));
}

async function again(id, choices, changed) {
  const statuses = [...choices.querySelectorAll("input:checked")].map((input) => input.value);
  const { messages } = await call("POST", `mailings/${id}/resend`, { body: { statuses } });
  announce(`${several(messages, "message")} will be sent again.`);
  changed(await get(`mailings/${id}`));
}

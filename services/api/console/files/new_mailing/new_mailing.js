/** A new mailing: written, previewed, and only then made. */

import { call } from "../shared/api.js";
import { announce, problemPlace, work } from "../shared/dialog.js";
import { fill, h, number, section, table } from "../shared/elements.js";
import { count, several } from "../shared/format.js";
import { MailingForm, asking } from "./mailing_form.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/session.js";

const SHOWN = 8;

export function newMailing({ main, signal }) {
  if (!may("operator")) {
    main.append(heading("New mailing"), h("p", {}, "This needs a token with the role operator."));
    return;
  }
  const place = problemPlace();
  const seen = h("div", { class: "below", "aria-live": "polite" });
  const form = new MailingForm({ onchange: () => fill(seen) });
  const look = h("button", { type: "submit" }, "Preview");
  const keys = new Keys();
  const element = h("form", { novalidate: true }, form.element, place, look);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    work(look, place, () => asking(form, place, async (body) => {
      const found = await call("POST", "mailings/preview", { body, signal });
      fill(seen, previewOf(found), creating(body, found, { form, keys, signal }));
      seen.scrollIntoView({ behavior: "smooth", block: "nearest" });
    }));
  });
  main.append(heading("New mailing"), element, seen);
}

/** A key for each body: the same body sent twice makes one mailing, also where the first answer was lost. */
class Keys {
  of(body) {
    const written = JSON.stringify(body);
    if (written !== this.written) {
      this.written = written;
      // Unlike randomUUID, this is there without HTTPS, too.
      const random = crypto.getRandomValues(new Uint8Array(16));
      this.key = Array.from(random, (one) => one.toString(16).padStart(2, "0")).join("");
    }
    return this.key;
  }
}

function creating(body, found, { form, keys, signal }) {
  const place = problemPlace();
  const button = h("button", { type: "button" }, `Create the mailing to ${several(found.recipients, "client")}`);
  button.addEventListener("click", () => work(button, place, () => asking(form, place, async () => {
    const headers = { "Idempotency-Key": keys.of(body) };
    const made = await call("POST", "mailings", { body, headers, signal });
    announce(`Mailing ${made.id} is created.`);
    go(link(`mailings/${made.id}`));
  })));
  return h("div", {}, place, button);
}

function previewOf(found) {
  const left = found.unreachable > 0 && h("p", { class: "note" },
    `${several(found.unreachable, "client")} would not be reached: their window is closed from start to end.`);
  return section("Preview",
    h("dl", { class: "figures" }, figure("recipients", found.recipients), figure("reachable", found.reachable),
      figure("unreachable", found.unreachable), figure("SMS each", found.sms_segments)),
    found.recipients === 0 && h("p", { class: "note" }, "No client matches: the mailing would finish at once."),
    left,
    found.recipients > 0 && h("div", { class: "columns" },
      split("By operator code", found.by_operator_code, (code) => code),
      split("By tag", found.by_tag, (tag) => tag || "(no tag)")),
    found.sample.length > 0 && [h("h3", {}, "Some of them"), table("Some of the clients",
      ["Phone", "Operator code", "Tag", "Time zone"], found.sample.map((client) => h("tr", {},
        h("td", {}, client.phone), h("td", {}, client.operator_code), h("td", {}, client.tag),
        h("td", {}, client.timezone))))]);
}

function figure(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, count(value)));
}

function split(title, counts, name) {
  const all = Object.entries(counts).sort((one, other) => other[1] - one[1]);
  const rows = all.slice(0, SHOWN).map(([key, value]) => h("tr", {}, h("td", {}, name(key)), number(count(value))));
  const more = all.length > SHOWN && h("p", { class: "hint" }, `and ${several(all.length - SHOWN, "other")}`);
  return h("div", {}, h("h3", {}, title), table(title, ["Value", ["Clients", "number"]], rows), more);
}

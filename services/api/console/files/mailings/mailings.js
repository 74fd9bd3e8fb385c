/** Mailings in a list, each with its progress. */

import { get } from "../shared/api.js";
import { Badge, Bar, Speed } from "../shared/status_counts.js";
import { h, number, say } from "../shared/elements.js";
import { select } from "../shared/fields.js";
import { count, duration, rate, time } from "../shared/format.js";
import { Repeating } from "../shared/polling.js";
import { List, Rows } from "../shared/paged_list.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/session.js";
import { STATES, final, waiting } from "../shared/vocabulary.js";

const EVERY = 2;
const LIMIT = 25;

export async function mailings({ main, query, signal }) {
  const status = STATES.includes(query.get("status")) ? query.get("status") : "";
  const filter = select([["", "All states"], ...STATES.map((state) => [state, state])], status, {
    "aria-label": "State", onchange: (event) => go(link("mailings", { status: event.target.value || null })),
  });
  const looking = new Repeating(async (own) => {
    list.show(await get("mailings", { status: status || null, limit: LIMIT, cursor: list.cursor }, own));
  }, EVERY, signal);
  const empty = status ? `No mailing is ${status}.` : "There are no mailings yet.";
  const list = mailingList("Mailings", empty, () => looking.again());
  main.append(
    h("div", { class: "head" }, heading("Mailings"),
      h("div", { class: "tools" }, filter,
        may("operator") && h("a", { href: "#/mailings/new", role: "button" }, "New mailing"))),
    list.element);
  looking.again();
  await looking.failed;
}

export function mailingList(label, empty, turned = () => {}) {
  const heads = [["Id", "number"], "Text", "State", "Progress", ["Final", "number"], ["Rate", "number"],
    ["Left", "number"], "Ends"];
  return new List({ label, heads, empty, turned, rows: new Rows(row) });
}

function row(mailing) {
  const href = link(`mailings/${mailing.id}`);
  const cells = {
    text: h("a", { href }), badge: new Badge(), bar: new Bar(), speed: new Speed(),
    final: number(""), rate: number(""), left: number(""), ends: h("td", { class: "moment" }),
  };
  const element = h("tr", {},
    number(mailing.id), h("td", { class: "text" }, cells.text), h("td", {}, cells.badge.element),
    h("td", { class: "progress" }, cells.bar.element), cells.final, cells.rate, cells.left, cells.ends);
  return { element, update: (item) => update(cells, item) };
}

function update(cells, mailing) {
  say(cells.text, mailing.text);
  cells.badge.update(mailing.status);
  cells.bar.update(mailing.by_status);
  say(cells.final, `${count(final(mailing.by_status))} of ${count(mailing.total)}${mailing.expanding ? "+" : ""}`);
  cells.speed.add(final(mailing.by_status));
  const speed = mailing.status === "running" ? cells.speed.rate : null;
  say(cells.rate, speed === null ? "" : rate(speed));
  say(cells.left, speed && !mailing.expanding ? duration(waiting(mailing.by_status) / speed) : "");
  if (cells.end !== mailing.end_at) {
    cells.end = mailing.end_at;
    cells.ends.replaceChildren(time(mailing.end_at));
  }
}

/** Wires the console: who it is, the pages their role has, and the view of the address. */

import { client } from "./client/client.js";
import { clients } from "./clients/clients.js";
import { fill, h } from "./shared/elements.js";
import { letters } from "./dead_letters/dead_letters.js";
import { mailing } from "./mailing/mailing.js";
import { newMailing } from "./new_mailing/new_mailing.js";
import { mailings } from "./mailings/mailings.js";
import { overview } from "./overview/overview.js";
import * as router from "./shared/router.js";
import { begin, may, signOut, signedIn } from "./shared/session.js";

const VIEWS = [
  [/^$/, "Overview", overview],
  [/^mailings$/, "Mailings", mailings],
  [/^mailings\/new$/, "New mailing", newMailing],
  [/^mailings\/(\d{1,19})$/, "Mailing", mailing],
  [/^clients$/, "Clients", clients],
  [/^clients\/(\d{1,19})$/, "Client", client],
  [/^dead-letters$/, "Dead letters", letters],
];
/** Address, name, and the role that is needed. */
const PAGES = [
  ["#/", "Overview", "viewer"],
  ["#/mailings", "Mailings", "viewer"],
  ["#/clients", "Clients", "viewer"],
  ["#/dead-letters", "Dead letters", "admin"],
];

const nav = document.getElementById("nav");
const session = document.getElementById("session");

function enter(identity) {
  const pages = PAGES.filter(([, , role]) => may(role));
  fill(nav, h("ul", {}, pages.map(([href, name]) => h("li", {}, h("a", { href }, name)))));
  const leave = h("button", { type: "button", class: "small outline", onclick: () => signOut(enter) }, "Sign out");
  fill(session, h("span", { title: `Role: ${identity.role}` }, `${identity.name} (${identity.role})`),
    signedIn() && leave);
  nav.hidden = false;
  session.hidden = false;
  router.start(VIEWS);
}

function leave() {
  router.stop();
  nav.hidden = true;
  session.hidden = true;
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
}

// The link must not be taken for an address of a view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});

begin(enter, leave);

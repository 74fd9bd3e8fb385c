/** Wires the console: signs in, and shows the navigation and the page of the address. */

/** @import { Token } from "api-types" */
/** @import { Page } from "./shared/router.js" */
/** @import { Role } from "./shared/vocabulary.js" */

import { showClient } from "./client/client.js";
import { showClients } from "./clients/clients.js";
import { showDeadLetters } from "./dead_letters/dead_letters.js";
import { showMailing } from "./mailing/mailing.js";
import { showMailings } from "./mailings/mailings.js";
import { showNewMailing } from "./new_mailing/new_mailing.js";
import { showOverview } from "./overview/overview.js";
import { button, byId, h, setChildren } from "./shared/elements.js";
import * as router from "./shared/router.js";
import { hasToken, listenForSignOut, may, resume, signOut } from "./shared/session.js";
import { refusalOf, showSignIn } from "./sign_in/sign_in.js";

/** @type {Page[]} */
const PAGES = [
  [/^$/, "Overview", showOverview],
  [/^mailings$/, "Mailings", showMailings],
  [/^mailings\/new$/, "New mailing", showNewMailing],
  [/^mailings\/(\d{1,19})$/, "Mailing", showMailing],
  [/^clients$/, "Clients", showClients],
  [/^clients\/(\d{1,19})$/, "Client", showClient],
  [/^dead-letters$/, "Dead letters", showDeadLetters],
];
/** @type {Array<[address: string, name: string, role: Role]>} */
const NAVIGATION = [
  ["#/", "Overview", "viewer"],
  ["#/mailings", "Mailings", "viewer"],
  ["#/clients", "Clients", "viewer"],
  ["#/dead-letters", "Dead letters", "admin"],
];

const main = byId("main");
const nav = byId("nav");
const session = byId("session");

/** @param {Token} user */
function enter(user) {
  const allowed = NAVIGATION.filter(([, , role]) => may(role));
  setChildren(nav, h("ul", {}, allowed.map(([href, name]) => h("li", {}, h("a", { href }, name)))));
  setChildren(session, h("span", { title: `Role: ${user.role}` }, `${user.name} (${user.role})`),
    hasToken() && button("Sign out", () => signOut(), { class: "small outline" }));
  nav.hidden = false;
  session.hidden = false;
  router.start(PAGES);
}

/** @param {Error | null} problem */
function leave(problem) {
  router.stop();
  nav.hidden = true;
  session.hidden = true;
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.close();
  }
  showSignIn(main, problem, enter);
}

// The router would take the link's target for the address of a page.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

listenForSignOut(leave);
const hadToken = hasToken();
resume().then(enter, (error) => showSignIn(main, refusalOf(error, hadToken), enter));

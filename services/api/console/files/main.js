/** Wires the console: signs in, and shows the navigation and the page of the address. */

/** @import { Token } from "api-types" */
/** @import { Page } from "./shared/router.js" */
/** @import { Role } from "./shared/vocabulary.js" */
/** @import { Word } from "./shared/words/language.js" */

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
import { say, sayOf } from "./shared/words/language.js";
import { translatePage } from "./shared/words/page.js";
import { refusalOf, showSignIn } from "./sign_in/sign_in.js";

/** @type {Page[]} */
const PAGES = [
  [/^$/, "overview", showOverview],
  [/^mailings$/, "mailings", showMailings],
  [/^mailings\/new$/, "new_mailing", showNewMailing],
  [/^mailings\/(\d{1,19})$/, "mailing", showMailing],
  [/^clients$/, "clients", showClients],
  [/^clients\/(\d{1,19})$/, "client", showClient],
  [/^dead-letters$/, "dead_letters", showDeadLetters],
];
/** @type {Array<[address: string, name: Word, role: Role]>} */
const NAVIGATION = [
  ["#/", "overview", "viewer"],
  ["#/mailings", "mailings", "viewer"],
  ["#/clients", "clients", "viewer"],
  ["#/dead-letters", "dead_letters", "admin"],
];

const main = byId("main");
const nav = byId("nav");
const session = byId("session");

/** @param {Token} user */
function enter(user) {
  const allowed = NAVIGATION.filter(([, , role]) => may(role));
  setChildren(nav, h("ul", {}, allowed.map(([href, name]) => h("li", {}, h("a", { href }, say(name))))));
  const role = sayOf("role", user.role);
  setChildren(session, h("span", { title: say("who_role", { role }) }, say("who", { name: user.name, role })),
    hasToken() && button(say("sign_out"), () => signOut(), { class: "small outline" }));
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

translatePage();

// The router would take the link's target for the address of a page.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

listenForSignOut(leave);
const hadToken = hasToken();
resume().then(enter, (error) => showSignIn(main, refusalOf(error, hadToken), enter));

/** Wires the console: signs in, and shows the navigation and the page of the address. */

/** @import { Token } from "api-types" */
/** @import { Page } from "./shared/router.js" */
/** @import { Role } from "./shared/vocabulary.js" */
/** @import { Word } from "./shared/words/language.js" */

import { showClient } from "./client/client.js";
import { showClients } from "./clients/clients.js";
import { showDeadLetters } from "./dead_letters/dead_letters.js";
import { showEvents } from "./events/events.js";
import { showImport } from "./import/import.js";
import { showMailing } from "./mailing/mailing.js";
import { showMailings } from "./mailings/mailings.js";
import { showNewMailing } from "./new_mailing/new_mailing.js";
import { showOverview } from "./overview/overview.js";
import {
  FAILED, failureInAddress, hasLeft, markLeft, signInOptions, signInUrl,
} from "./shared/access/company_sign_in.js";
import { showHealth } from "./shared/health/strip.js";
import { button, byId, h, setChildren } from "./shared/elements.js";
import { dropDrafts } from "./shared/forms/drafts.js";
import { announce } from "./shared/notice.js";
import { expected } from "./shared/problems.js";
import * as router from "./shared/router.js";
import { hasToken, listenForSignOut, may, maySignOut, resume, signOut } from "./shared/access/session.js";
import { say, sayOf } from "./shared/words/language.js";
import { translatePage } from "./shared/words/page.js";
import { showSegment } from "./segments/segment.js";
import { showSegments } from "./segments/segments.js";
import { showProviders } from "./settings/providers.js";
import { showSettings } from "./settings/settings.js";
import { refusalOf, showSignIn } from "./sign_in/sign_in.js";
import { showStopList } from "./stop_list/stop_list.js";

/** @type {Page[]} */
const PAGES = [
  [/^$/, "overview", showOverview],
  [/^mailings$/, "mailings", showMailings],
  [/^mailings\/new$/, "new_mailing", showNewMailing],
  [/^mailings\/(\d{1,19})$/, "mailing", showMailing],
  [/^clients$/, "clients", showClients],
  [/^clients\/(\d{1,19})$/, "client", showClient],
  [/^clients\/import$/, "import_clients", showImport],
  [/^segments$/, "segments_of_clients", showSegments],
  [/^segments\/new$/, "new_segment", showSegment],
  [/^segments\/(\d{1,19})$/, "segment", showSegment],
  [/^stop-list$/, "stop_list", showStopList],
  [/^providers$/, "providers", showProviders],
  [/^dead-letters$/, "dead_letters", showDeadLetters],
  [/^settings$/, "settings", showSettings],
  [/^events$/, "all_events", showEvents],
];
/** @type {Array<[address: string, name: Word, role: Role]>} */
const NAVIGATION = [
  ["#/", "overview", "viewer"],
  ["#/mailings", "mailings", "viewer"],
  ["#/clients", "clients", "viewer"],
  ["#/providers", "providers", "viewer"],
  ["#/dead-letters", "dead_letters_short", "admin"],
  ["#/settings", "settings", "admin"],
];

const main = byId("main");
const nav = byId("nav");
const session = byId("session");
let watching = new AbortController();

/** @param {Token} user */
function enter(user) {
  const allowed = NAVIGATION.filter(([, , role]) => may(role));
  setChildren(nav, h("ul", {}, allowed.map(([href, name]) => h("li", {}, h("a", { href }, say(name))))));
  const role = sayOf("role", user.role);
  setChildren(session, h("span", { title: say("who_role", { role }) }, say("who", { name: user.name, role })),
    maySignOut() && signOutButton());
  nav.hidden = false;
  session.hidden = false;
  markLeft(false);
  if (location.hash.startsWith(FAILED)) {
    history.replaceState(null, "", "#/");
  }
  watching = new AbortController();
  showHealth(watching.signal);
  router.start(PAGES);
}

function signOutButton() {
  return button(say("sign_out"), async () => {
    try {
      await signOut();
    } catch (error) {
      announce(expected(error).message);
    }
  }, { class: "small outline" });
}

/**
 * Goes to the company's sign-in at once where that is wanted, else asks.
 * @param {unknown} error Why the session with which the page was opened is refused.
 */
async function ask(error) {
  const failure = failureInAddress();
  const refusal = failure ?? refusalOf(error, hadToken);
  if (refusal === null && !hasLeft() && (await signInOptions()).auto) {
    location.replace(signInUrl());
    return;
  }
  await showSignIn(main, refusal, enter);
}

/** @param {Error | null} problem */
function leave(problem) {
  router.stop();
  watching.abort();
  dropDrafts();
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
resume().then(enter, ask);

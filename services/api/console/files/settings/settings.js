/** The page of settings, for admins: tokens, who is signed in, and which processes run. */

/** @import { PageContext } from "../shared/router.js" */

import { may } from "../shared/access/session.js";
import { h } from "../shared/elements.js";
import { heading } from "../shared/router.js";
import { say } from "../shared/words/language.js";
import { processesSection } from "./processes.js";
import { sessionsSection } from "./sessions.js";
import { tokensSection } from "./tokens.js";

/** @param {PageContext} context */
export async function showSettings({ main, signal }) {
  main.append(heading(say("settings")));
  if (!may("admin")) {
    main.append(h("p", {}, say("needs_admin")));
    return;
  }
  const sections = [tokensSection(signal), sessionsSection(signal), processesSection(signal)];
  main.append(h("p", {}, h("a", { href: "#/events" }, say("all_events"))), ...sections.map(({ element }) => element));
  await Promise.race(sections.map(({ failed }) => failed));
}

/** Puts the reader's language into what index.html has, and the switch of languages into its header. */

/** @import { Word } from "./language.js" */

import { byId, setText } from "../elements.js";
import { select } from "../forms/fields.js";
import { LANGUAGE, LANGUAGES, chooseLanguage, say } from "./language.js";

/** Translates the frame of the page, once. */
export function translatePage() {
  document.documentElement.lang = LANGUAGE;
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-say]"))) {
    setText(element, say(/** @type {Word} */ (element.dataset.say)));
  }
  byId("nav").setAttribute("aria-label", say("pages"));
  const choice = select(LANGUAGES, LANGUAGE, {
    "aria-label": say("language"), onchange: () => chooseLanguage(choice.value),
  });
  byId("language").replaceChildren(choice);
}

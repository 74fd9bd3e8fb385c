/** Shows what the placeholders of a text come to: who lacks a value, and the first texts as they would be sent. */

/** @import { PersonalPreview, Preview } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { definitions, h, numberCell, table } from "../shared/elements.js";
import { link } from "../shared/router.js";
import { describeReason, formatCount, say, sayCount } from "../shared/words/language.js";

/**
 * @param {PersonalPreview} personal
 * @param {Preview["sample"]} sample
 * @returns {Child}
 */
export function personalPreview({ placeholders, skipped, too_long: tooLong, samples, segments }, sample) {
  const phones = new Map(sample.map(({ id, phone }) => [id, phone]));
  const texts = samples.map(({ client_id: id, text, reason }) => h("tr", {},
    h("td", { class: "phone" }, phones.get(id)),
    text === null ? h("td", { class: "wrong" }, say("gets_nothing", { reason: describeReason(reason ?? "") }))
      : h("td", { class: "rendered" }, text)));
  return [
    skipped > 0 && h("p", { class: "note" }, sayCount("some_lack_values", skipped)),
    tooLong > 0 && h("p", { class: "note" }, sayCount("some_too_long", tooLong)),
    h("dl", { class: "figures" }, definitions([
      [say("segments_least"), formatCount(segments.least)], [say("segments_most"), formatCount(segments.most)],
      [say("segments_total"), formatCount(segments.total)]])),
    placeholders.length > 0 && placeholderTable(placeholders),
    texts.length > 0 && [
      h("h3", {}, say("first_texts")), table(say("first_texts"), [say("phone"), say("text")], texts)],
  ];
}

/**
 * @param {PersonalPreview["placeholders"]} placeholders
 * @returns {Child}
 */
function placeholderTable(placeholders) {
  const rows = placeholders.map(({ name, required, missing, phones }) => h("tr", {},
    h("td", {}, name), numberCell(formatCount(missing)),
    h("td", {}, say(missing > 0 ? missingWord(required) : "nobody_lacks")),
    h("td", {}, phones.map((phone) => [h("a", { href: link("clients", { q: phone }) }, phone), " "]))));
  return [h("h3", {}, say("placeholders")), table(say("placeholders"),
    [say("placeholder"), [say("lack_it"), "number"], say("they_get"), say("for_example")], rows)];
}

/** @param {boolean} required */
function missingWord(required) {
  return required ? "gets_no_message" : "gets_fallback";
}

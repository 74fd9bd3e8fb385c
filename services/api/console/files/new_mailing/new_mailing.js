/** The page on which a mailing is written and previewed before it is created, or saved as a draft. */

/** @import { Mailing, Preview } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */
/** @import { MailingBody } from "./mailing_form.js" */

import { testText } from "../mailing/test_dialog.js";
import { call } from "../shared/api.js";
import { button, h, setChildren } from "../shared/elements.js";
import { dropDraft, keepDraft, readDraft } from "../shared/forms/drafts.js";
import { announce } from "../shared/notice.js";
import { actionButton, problemBox, whileBusy } from "../shared/problems.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { IdempotencyKeys } from "./idempotency_keys.js";
import { LiveAudience } from "./live_audience.js";
import { MailingForm, submitForm } from "./mailing_form.js";
import { previewSection } from "./preview.js";
import { say, sayCount } from "../shared/words/language.js";

const DRAFT = "new-mailing";

/** @param {PageContext} context */
export function showNewMailing({ main, signal }) {
  if (!may("operator")) {
    main.append(heading(say("new_mailing")), h("p", {}, say("needs_operator")));
    return;
  }
  const box = problemBox();
  const preview = h("div", { class: "below", "aria-live": "polite" });
  /** @type {MailingBody | null} */
  const kept = readDraft(DRAFT);
  const form = new MailingForm(kept, () => {
    setChildren(preview);
    keepDraft(DRAFT, form.values().body);
    audience.change();
  });
  const audience = new LiveAudience(form, kept === null, signal);
  const keys = new IdempotencyKeys();
  const submit = h("button", { type: "submit" }, say("preview"));
  const store = () => submitForm(form, form.values(), box, (body) => create({ ...body, draft: true }, keys, signal));
  const save = actionButton(say("save_draft"), box, store, { class: "outline" });
  const element = h("form", { novalidate: true }, form.element, audience.element, box, h("div", { class: "actions" },
    submit, save, button(say("test_send"), () => testText(form.text.value, signal), { class: "outline" }),
    button(say("clear"), () => clear(), { class: "outline secondary" })));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(submit, box, () => submitForm(form, form.values(), box, async (body) => {
      /** @type {Preview} */
      const found = await call("POST", "mailings/preview", { body, signal });
      setChildren(preview, previewSection(found), createButton(form, body, found.recipients, keys, signal));
      preview.scrollIntoView({ behavior: "smooth", block: "nearest" });
    }));
  });
  main.append(heading(say("new_mailing")), element, preview);
}

function clear() {
  dropDraft(DRAFT);
  go("#/mailings/new");
}

/**
 * @param {MailingBody & {draft: boolean}} body
 * @param {IdempotencyKeys} keys
 * @param {AbortSignal} signal
 */
async function create(body, keys, signal) {
  const headers = { "Idempotency-Key": keys.keyOf(body) };
  /** @type {Mailing} */
  const { id } = await call("POST", "mailings", { body, headers, signal });
  dropDraft(DRAFT);
  announce(say(body.draft ? "draft_saved" : "mailing_created", { id: String(id) }));
  go(link(`mailings/${id}`));
}

/**
 * Makes the button that creates the mailing that was previewed; nothing where nobody would get it.
 * @param {MailingForm} form
 * @param {MailingBody} body
 * @param {number} recipients
 * @param {IdempotencyKeys} keys
 * @param {AbortSignal} signal
 */
function createButton(form, body, recipients, keys, signal) {
  if (recipients === 0) {
    return null;
  }
  const box = problemBox();
  const text = sayCount("create_for", recipients);
  return h("div", {}, box, actionButton(text, box, () => submitForm(form, { body, errors: [] }, box, () => (
    create({ ...body, draft: false }, keys, signal)))));
}

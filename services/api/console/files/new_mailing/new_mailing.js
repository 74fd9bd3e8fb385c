/** The page on which a mailing is written and previewed before it was created. */

/** @import { Mailing, Preview } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */
/** @import { MailingBody } from "./mailing_form.js" */

import { call } from "../shared/api.js";
import { h, setChildren } from "../shared/elements.js";
import { announce } from "../shared/notice.js";
import { actionButton, problemBox, whileBusy } from "../shared/problems.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { dropDraft, keepDraft, readDraft } from "./draft.js";
import { IdempotencyKeys } from "./idempotency_keys.js";
import { MailingForm, submitForm } from "./mailing_form.js";
import { previewSection } from "./preview.js";
import { say, sayCount } from "../shared/words/language.js";

/** @param {PageContext} context */
export function showNewMailing({ main, signal }) {
  if (!may("operator")) {
    main.append(heading(say("new_mailing")), h("p", {}, say("needs_operator")));
    return;
  }
  const box = problemBox();
  const preview = h("div", { class: "below", "aria-live": "polite" });
  const form = new MailingForm(readDraft(), () => {
    setChildren(preview);
    keepDraft(form.values().body);
  });
  const keys = new IdempotencyKeys();
  const submit = h("button", { type: "submit" }, say("preview"));
  const element = h("form", { novalidate: true }, form.element, box, submit);
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

/**
 * Makes the button that creates the mailing that was previewed.
 * @param {MailingForm} form
 * @param {MailingBody} body
 * @param {number} recipients
 * @param {IdempotencyKeys} keys
 * @param {AbortSignal} signal
 */
function createButton(form, body, recipients, keys, signal) {
  const box = problemBox();
  const create = async () => {
    const headers = { "Idempotency-Key": keys.keyOf(body) };
    /** @type {Mailing} */
    const { id } = await call("POST", "mailings", { body, headers, signal });
    dropDraft();
    announce(say("mailing_created", { id: String(id) }));
    go(link(`mailings/${id}`));
  };
  const text = sayCount("create_for", recipients);
  return h("div", {}, box, actionButton(text, box, () => submitForm(form, { body, errors: [] }, box, create)));
}

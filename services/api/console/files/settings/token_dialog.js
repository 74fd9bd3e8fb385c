/** Creates a token, and shows its secret this once. */

/** @import { MadeToken } from "api-types" */

import { call } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h, setChildren } from "../shared/elements.js";
import { clearErrors, field, select, showErrors } from "../shared/forms/fields.js";
import { toMoment } from "../shared/forms/time_zones.js";
import { HOME_ZONE } from "../shared/format.js";
import { errorsOf, expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { ROLES } from "../shared/vocabulary.js";
import { say, sayOf } from "../shared/words/language.js";

/**
 * Opens the form of a new token.
 * @param {() => void} created
 * @param {AbortSignal} signal
 */
export function createToken(created, signal) {
  openDialog(say("new_token"), (close) => new TokenForm(created, close).element, signal);
}

class TokenForm {
  /**
   * @param {() => void} created
   * @param {() => void} close
   */
  constructor(created, close) {
    this.created = created;
    this.close = close;
    this.name = h("input", { type: "text", maxlength: 64, autocomplete: "off", spellcheck: "false" });
    this.role = select(ROLES.map((role) => [role, sayOf("role", role)]), "operator");
    this.ends = h("input", { type: "datetime-local" });
    this.box = problemBox();
    this.submit = h("button", { type: "submit" }, say("create_token"));
    this.form = h("form", { novalidate: true },
      field("name", say("name"), this.name, say("token_name_hint")),
      field("role", say("role"), this.role, say("token_role_hint")),
      field("expires_at", say("ends"), this.ends, say("token_ends_hint")),
      this.box, h("footer", {}, button(say("back"), close, { class: "secondary" }), this.submit));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(this.submit, this.box, () => this.create());
    });
    this.element = h("div", {}, this.form);
  }

  async create() {
    clearErrors(this.form);
    const ends = this.ends.value ? { expires_at: toMoment(this.ends.value, HOME_ZONE).moment } : {};
    try {
      /** @type {MadeToken} */
      const made = await call("POST", "tokens", {
        body: { name: this.name.value.trim(), role: this.role.value, ...ends },
      });
      this.show(made);
      this.created();
    } catch (error) {
      showProblem(this.box, expected(error), showErrors(this.form, errorsOf(error)));
    }
  }

  /** @param {MadeToken} made */
  show({ name, token }) {
    const shown = h("input", { type: "text", readonly: true, value: token, class: "secret" });
    const said = h("p", { role: "status" });
    const copy = button(say("copy"), async () => {
      shown.select();
      await navigator.clipboard?.writeText(token);
      setChildren(said, say("copied"));
    });
    setChildren(this.element,
      h("p", {}, say("token_was_created", { name })), field("token", say("token"), shown, say("token_once")), said,
      h("footer", {}, button(say("close"), this.close, { class: "secondary" }), copy));
    shown.focus();
    shown.select();
  }
}

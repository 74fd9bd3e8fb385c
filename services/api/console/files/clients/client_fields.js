/** The fields of a client. */

/** @import { Client, ClientPatch } from "api-types" */
/** @import { Attributes } from "../shared/elements.js" */

import { h, uniqueId } from "../shared/elements.js";
import { ChipInput } from "../shared/forms/chip_input.js";
import { chipField, field } from "../shared/forms/fields.js";
import { zoneNames } from "../shared/forms/time_zones.js";
import { say } from "../shared/words/language.js";
import { AttributeFields } from "./attribute_fields.js";

export class ClientFields {
  /** @param {Client | null} client Null for a new one. */
  constructor(client) {
    this.client = client;
    this.phone = textInput(client?.phone, { type: "tel", placeholder: "79161234567" });
    this.operatorCode = textInput(client?.operator_code, { inputmode: "numeric" });
    this.tags = new ChipInput({ values: client?.tags ?? [], placeholder: "" });
    this.externalId = textInput(client?.external_id ?? "");
    this.attributes = new AttributeFields(client?.attributes ?? {});
    const zones = h("datalist", { id: uniqueId("zones") }, zoneNames().map((zone) => h("option", { value: zone })));
    this.timezone = textInput(client?.timezone, { list: zones.id });
    this.element = h("div", {},
      h("div", { class: "columns" },
        field("phone", say("phone"), this.phone, say("phone_hint")),
        field("operator_code", say("operator_code"), this.operatorCode, client ? null : say("code_hint")),
        chipField("tags", say("tags"), this.tags, say("tag_list_hint")),
        field("external_id", say("external_id"), this.externalId, say("external_id_hint")),
        field("timezone", say("time_zone"), this.timezone, client ? null : say("zone_hint"))),
      zones, this.attributes.element);
  }

  /**
   * Returns what is sent: of a client that exists only what was changed, of a new one only what is not empty, so that
   * the rest takes its default.
   * @returns {ClientPatch}
   */
  body() {
    const { client } = this;
    const given = {
      phone: this.phone.value.trim(), operator_code: this.operatorCode.value.trim(),
      timezone: this.timezone.value.trim(),
    };
    const names = /** @type {Array<keyof typeof given>} */ (Object.keys(given));
    const isSent = (/** @type {keyof typeof given} */ name) => (
      client ? given[name] !== client[name] : given[name] !== "" || name === "phone");
    const externalId = this.externalId.value.trim() || null;
    const attributes = this.attributes.changes;
    const tags = this.tags.values;
    return {
      ...Object.fromEntries(names.filter(isSent).map((name) => [name, given[name]])),
      ...(JSON.stringify(tags) === JSON.stringify(client?.tags ?? []) ? {} : { tags }),
      ...(externalId === (client?.external_id ?? null) ? {} : { external_id: externalId }),
      ...(attributes === null ? {} : { attributes }),
    };
  }
}

/**
 * @param {string | undefined} value
 * @param {Attributes} [attributes]
 */
function textInput(value = "", attributes = {}) {
  return h("input", { type: "text", autocomplete: "off", value, ...attributes });
}

/** The import of clients, step by step: the file, what its columns hold, and what came of it. */

/** @import { ImportInspection, ImportReport } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { may } from "../shared/access/session.js";
import { h, section, setChildren, uniqueId } from "../shared/elements.js";
import { checkbox, field, select } from "../shared/forms/fields.js";
import { FileDrop } from "../shared/forms/file_drop.js";
import { zoneNames } from "../shared/forms/time_zones.js";
import { expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { heading } from "../shared/router.js";
import { mediaOf, upload } from "../shared/upload.js";
import { say, sayCount } from "../shared/words/language.js";
import { CLIENTS, ColumnMap } from "./column_map.js";
import { fileFacts, inspect } from "./file_facts.js";
import { reportOf } from "./report.js";

/** @param {PageContext} context */
export function showImport({ main, signal }) {
  main.append(heading(say("import_clients")));
  if (!may("operator")) {
    main.append(h("p", {}, say("needs_operator")));
    return;
  }
  const box = problemBox();
  const steps = h("div", { "aria-live": "polite" });
  const drop = new FileDrop(say("file_of_clients"), say("file_hint"), ".csv,.txt,.ndjson,.jsonl", async (file) => {
    setChildren(steps);
    setChildren(box);
    try {
      await begin(file, drop, steps, signal);
    } catch (error) {
      showProblem(box, expected(error));
    }
  });
  main.append(h("p", { class: "hint" }, say("import_hint")), drop.element, box, steps);
}

/**
 * Shows what is in a CSV, and how it will be read. NDJSON names its fields itself, and needs no map.
 * @param {File} file
 * @param {FileDrop} drop
 * @param {HTMLElement} steps
 * @param {AbortSignal} signal
 */
async function begin(file, drop, steps, signal) {
  const inspected = mediaOf(file) === "text/csv" ? await inspect(file, signal) : null;
  const form = new ImportForm(inspected);
  const box = problemBox();
  const result = h("div", { class: "below", "aria-live": "polite" });
  const text = inspected?.complete ? sayCount("import_rows", inspected.rows) : say("import");
  const submit = h("button", { type: "submit" }, text);
  form.element.append(box, submit);
  form.element.addEventListener("submit", (event) => {
    event.preventDefault();
    setChildren(result);
    whileBusy(submit, box, async () => {
      /** @type {ImportReport} */
      const report = await drop.sending(file, (progress) => (
        upload("clients/import", form.query, file, mediaOf(file), signal, progress)));
      setChildren(result, section(say("import_result"), reportOf(report)));
      result.scrollIntoView({ behavior: "smooth", block: "nearest" });
    });
  });
  setChildren(steps,
    inspected !== null && section(say("file_is_written"), fileFacts(inspected)), form.element, result);
}

class ImportForm {
  /** @param {ImportInspection | null} inspected */
  constructor(inspected) {
    this.proposal = inspected?.proposal ?? null;
    this.map = inspected === null ? null : new ColumnMap(inspected, CLIENTS);
    this.repair = checkbox(say("repair_phones"), this.proposal?.phones === "repair");
    this.conflict = select([["update", say("update_client")], ["skip", say("skip_line")]], "update");
    this.empty = select([["keep", say("keep_value")], ["clear", say("clear_value")]], "keep");
    this.tag = h("input", { type: "text", autocomplete: "off" });
    const zones = h("datalist", { id: uniqueId("zones") }, zoneNames().map((zone) => h("option", { value: zone })));
    this.zone = h("input", { type: "text", autocomplete: "off", list: zones.id });
    this.element = h("form", { novalidate: true },
      this.map !== null && section(say("columns"), h("p", { class: "hint" }, say("columns_hint")), this.map.element),
      this.map !== null && this.repair.element,
      h("div", { class: "columns" },
        field("on_conflict", say("on_conflict"), this.conflict),
        this.map !== null && [
          field("on_empty", say("on_empty"), this.empty), field("default_tag", say("default_tag"), this.tag),
          field("default_timezone", say("default_timezone"), this.zone, say("zone_hint"))]),
      zones);
  }

  /** The parameters of the import. */
  get query() {
    if (this.map === null || this.proposal === null) {
      return { on_conflict: this.conflict.value };
    }
    const { encoding, delimiter, header } = this.proposal;
    return {
      encoding, delimiter, header, map: this.map.value, phones: this.repair.input.checked ? "repair" : "strict",
      on_conflict: this.conflict.value, on_empty: this.empty.value, default_tag: this.tag.value.trim() || null,
      default_timezone: this.zone.value.trim() || null, refused: true,
    };
  }
}

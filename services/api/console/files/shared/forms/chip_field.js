/** A field whose value is a list of chips. */

/** @import { ChipInput } from "./chip_input.js" */

import { field } from "./fields.js";

/**
 * Makes a field whose label belongs to the input in which chips are typed.
 * @param {string} loc
 * @param {string} label
 * @param {ChipInput} chips
 * @param {string | null} [hint]
 */
export function chipField(loc, label, chips, hint = null) {
  const made = field(loc, label, chips.input, hint);
  chips.input.replaceWith(chips.element);
  chips.element.append(chips.input);
  return made;
}

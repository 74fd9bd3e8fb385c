/** The list of segments: filters of clients that are saved under a name. */

/** @import { Segment, SegmentSize } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { may } from "../shared/access/session.js";
import { get } from "../shared/api.js";
import { button, h, setChildren, setText } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { expected } from "../shared/problems.js";
import { heading, link } from "../shared/router.js";
import { formatCount, say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 10;
const LIMIT = 25;

/** @param {PageContext} context */
export async function showSegments({ main, signal }) {
  const poller = new Poller(async (own) => {
    list.show(await get("segments", { limit: LIMIT, cursor: list.cursor }, own));
  }, INTERVAL_SECONDS, signal);
  /** @type {PagedList<Segment>} */
  const list = new PagedList({
    kept: "page", label: say("segments_of_clients"), empty: say("no_segments"), onturn: () => poller.restart(),
    heads: [[say("id"), "number"], say("segment_name"), [say("clients"), "number"], say("changed")],
    row: (segment) => new SegmentRow(segment, signal),
  });
  main.append(
    h("div", { class: "head" }, heading(say("segments_of_clients")),
      may("operator") && h("div", { class: "tools" },
        h("a", { href: "#/segments/new", role: "button", class: "small" }, say("new_segment")))),
    h("p", { class: "hint" }, say("segments_hint")), list.element);
  poller.restart();
  await poller.failed;
}

class SegmentRow {
  /**
   * @param {Segment} segment
   * @param {AbortSignal} signal
   */
  constructor(segment, signal) {
    this.name = h("a", { href: link(`segments/${segment.id}`) });
    this.changed = h("td", { class: "moment" });
    const size = h("td", { class: "number" });
    const count = button(say("count_segment"), async () => {
      try {
        /** @type {SegmentSize} */
        const { clients } = await get(`segments/${segment.id}/size`, {}, signal);
        setChildren(size, formatCount(clients));
      } catch (error) {
        setChildren(size, expected(error).message);
      }
    }, { class: "link", "aria-label": say("count_this_segment", { name: segment.name }) });
    size.append(count);
    this.element = h("tr", {}, h("td", { class: "number" }, segment.id), h("td", {}, this.name), size, this.changed);
    this.changedAt = "";
  }

  /** @param {Segment} segment */
  update({ name, updated_at: changedAt }) {
    setText(this.name, name);
    if (this.changedAt !== changedAt) {
      this.changedAt = changedAt;
      setChildren(this.changed, timeElement(changedAt));
    }
  }
}

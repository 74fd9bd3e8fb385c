"""The metrics of the planner."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared import topology
from shared.metrics import ChildCounters, dead_letter_counters
from shared.statuses import SETTLED_STATUSES


class Metrics:
    """Counters of what the planner did, and gauges of what it saw at its last poll."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = ChildCounters(
            Counter("herald_messages", "Messages moved to a status, by status.", ["status"], registry=registry),
            SETTLED_STATUSES,
        )
        self.audience = Counter("herald_audience_messages", "Messages created by expansion.", registry=registry)
        self.released = Counter("herald_messages_released", "Jobs published by release.", registry=registry)
        self.in_flight = Gauge("herald_messages_in_flight", "Messages released and due.", registry=registry)
        self.target = Gauge(
            "herald_messages_in_flight_target",
            "Messages that should be in flight.",
            registry=registry,
        )
        self.repairs = ChildCounters(
            Counter("herald_sweeper_repairs", "Jobs released again, by reason.", ["reason"], registry=registry),
            ("claim is stale", "job vanished"),
        )
        self.set_aside = ChildCounters(
            Counter("herald_work_set_aside", "Work that failed on its data, by unit.", ["unit"], registry=registry),
            ("mailing", "closing", "client", "resend", "message"),
        )
        self.paused = Counter(
            "herald_mailings_paused", "Mailings paused because too many messages were rejected.", registry=registry
        )
        self.dead = dead_letter_counters(topology.PLANNER_DEAD, ("unreadable",), registry)
        self._register_polled(registry)

    def _register_polled(self, registry: CollectorRegistry) -> None:
        self.queue_ready = Gauge(
            "herald_queue_messages", "Bodies in a queue that are ready for delivery.", ["queue"], registry=registry
        )
        self.queue_consumers = Gauge("herald_queue_consumers", "Consumers of a queue.", ["queue"], registry=registry)
        self.mailings = Gauge(
            "herald_mailings", "Mailings that are not finished, by status.", ["status"], registry=registry
        )
        self.unsent = Gauge(
            "herald_messages_unsent",
            "Messages of running mailings that are not final, by whether they may be sent now.",
            ["state"],
            registry=registry,
        )
        self.at_risk = Gauge(
            "herald_messages_at_risk",
            "Messages that will miss their mailing's end at the present rate.",
            registry=registry,
        )
        self.oldest_due = Gauge(
            "herald_oldest_due_seconds", "Seconds for which the oldest due message has waited.", registry=registry
        )
        self.paused_longest = Gauge(
            "herald_paused_longest_seconds", "The longest that a mailing has been paused.", registry=registry
        )
        self.paused_nearest_end = Gauge(
            "herald_paused_nearest_end_seconds", "Seconds to the nearest end of a paused mailing.", registry=registry
        )
        self.table_bytes = Gauge(
            "herald_table_bytes", "Size of a table with its indexes.", ["table"], registry=registry
        )
        self.table_rows = Gauge(
            "herald_table_rows", "Rows of a table, as estimated.", ["table", "state"], registry=registry
        )
        self.table_oldest = Gauge(
            "herald_table_oldest_seconds", "Age of the oldest row of a table.", ["table"], registry=registry
        )
        self.transaction_id_age = Gauge(
            "herald_transaction_id_age", "Transactions since the oldest unfrozen one.", registry=registry
        )
        self.replication_lag = Gauge(
            "herald_replication_lag_seconds", "Seconds that the slowest standby is behind.", registry=registry
        )
        self.fence_age = Gauge(
            "herald_fence_age_seconds", "Seconds since the newest folded fence was published.", registry=registry
        )

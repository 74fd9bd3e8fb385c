"""What /metrics says of the planner."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared import topology
from shared.metrics import Children, dead_letters


class Meters:
    """What is counted as it happens, and what was seen at the last look."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Children(
            Counter("herald_messages", "Messages moved, by new status.", ["status"], registry=registry),
            ("expired", "cancelled"),
        )
        self.audience = Counter("herald_audience_messages", "Messages made by expansion.", registry=registry)
        self.released = Counter("herald_messages_released", "Jobs put on the broker by release.", registry=registry)
        self.in_flight = Gauge("herald_messages_in_flight", "Messages released and due.", registry=registry)
        self.target = Gauge(
            "herald_messages_in_flight_target",
            "Messages that should be in flight.",
            registry=registry,
        )
        self.repairs = Children(
            Counter("herald_sweeper_repairs", "Jobs released again, by why.", ["why"], registry=registry),
            ("claim is stale", "job vanished"),
        )
        self.dead = dead_letters(topology.PLANNER_DEAD, ("unreadable",), registry)
        self._show_seen(registry)

    def _show_seen(self, registry: CollectorRegistry) -> None:
        self.queue_ready = Gauge(
            "herald_queue_messages", "Bodies of a queue that are ready for delivery.", ["queue"], registry=registry
        )
        self.queue_consumers = Gauge("herald_queue_consumers", "Consumers of a queue.", ["queue"], registry=registry)
        self.mailings = Gauge("herald_mailings", "Mailings whose books are open.", ["status"], registry=registry)
        self.unsent = Gauge(
            "herald_messages_unsent", "Messages of running mailings that are not final.", ["state"], registry=registry
        )
        self.at_risk = Gauge(
            "herald_messages_at_risk", "Messages that will be too late at the rate of now.", registry=registry
        )
        self.fence_age = Gauge("herald_fence_age_seconds", "Age of the newest fence folded.", registry=registry)

"""Statistics of a mailing as the API answers them."""

from typing import Any

from shared.statuses import MESSAGE_STATUSES


def a_statistic(status: str = "running", rate: float = 0, eta: float | None = None, **by_status: int) -> dict[str, Any]:
    counts = dict.fromkeys(MESSAGE_STATUSES, 0) | by_status
    return {"status": status, "total": sum(counts.values()), "by_status": counts, "rate": rate, "eta": eta}

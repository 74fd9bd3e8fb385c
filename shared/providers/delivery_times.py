"""How long messages took to their handset, in steps of a tenth, so that percentiles need no list of them. Pure."""

import math
from collections.abc import Mapping

STEP = 1.1
# Of the longest time that is told apart: about 40 days.
LAST_BUCKET = 158


def bucket_of(seconds: float) -> int:
    """Returns the bucket of a time: 0 is less than a second, and each further one is a tenth longer."""
    return 0 if seconds < 1 else min(int(math.log(seconds, STEP)) + 1, LAST_BUCKET)


def seconds_of(bucket: int) -> float:
    """Returns the middle of a bucket, in seconds."""
    return 0.5 if bucket == 0 else round(STEP ** (bucket - 0.5), 1)


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Returns within how many seconds this share of the messages arrived, to a twentieth; None if there are none."""
    wanted, seen = share * sum(counts.values()), 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if counts[bucket] and seen >= wanted:
            return seconds_of(bucket)
    return None

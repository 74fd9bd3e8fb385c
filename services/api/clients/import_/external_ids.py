"""Decides which rows of a batch may have the external ids that they give. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.api.clients.import_.batch import Batch


@dataclass(frozen=True, slots=True)
class ExternalIds:
    """The phones of rows whose external id another client has, and of clients who give theirs up to a later row."""

    taken: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()


def judge_external_ids(batch: Batch, held: Mapping[str, str | None]) -> ExternalIds:
    """Goes through the rows as the file has them: what an earlier one gives up, a later one may have.

    `held` are the external ids, by phone, of the clients of the batch that exist, and of those who have an id of it.
    """
    present, owners = dict(held), {external_id: phone for phone, external_id in held.items() if external_id}
    taken: list[str] = []
    for phone, row in batch.rows.items():
        if "external_id" not in row or (batch.on_conflict == "skip" and phone in held):
            continue
        wanted, before = row["external_id"], present.get(phone)
        if wanted and owners.get(wanted, phone) != phone:
            taken.append(phone)
            continue
        if before:
            del owners[before]
        if wanted:
            owners[wanted] = phone
        present[phone] = wanted
    freed = [phone for phone, before in held.items() if before and owners.get(before, phone) != phone]
    return ExternalIds(tuple(taken), tuple(freed))

"""Uses the generated client: adds a client, imports others, creates a mailing and reads it back.

Usage: use_client.py URL TOKEN; prints the mailing as JSON. The Python of the generator's environment runs it.
"""

import datetime
import io
import json
import sys

from herald_client import AuthenticatedClient
from herald_client.api.clients import create_client, import_clients
from herald_client.api.mailings import create_mailing, list_mailings, show_mailing
from herald_client.models import (
    Client,
    ClientNew,
    FilterNew,
    ImportReport,
    Mailing,
    MailingNew,
    Mailings,
    Problem,
    WindowNew,
)
from herald_client.types import File


def main(url: str, token: str) -> None:
    with AuthenticatedClient(base_url=url, token=token) as api:
        person = create_client.sync(client=api, body=ClientNew(phone="79161234567", tag="vip"))
        assert isinstance(person, Client), person
        file = File(payload=io.BytesIO(b"phone,tag\n79161234568,imported\n79161234569,imported\nnonsense,\n"))
        report = import_clients.sync(client=api, body=file)
        assert isinstance(report, ImportReport), report
        assert (report.created, report.rejected) == (2, 1)
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        body = MailingNew(
            text="Hello", end_at=end, filter_=FilterNew(tags=["vip"]), window=WindowNew(from_="00:00", to="23:59")
        )
        mailing = create_mailing.sync(client=api, body=body, idempotency_key="generated-1")
        assert isinstance(mailing, Mailing), mailing
        again = create_mailing.sync(client=api, body=body, idempotency_key="generated-1")
        assert isinstance(again, Mailing), again
        assert again.id == mailing.id
        page = list_mailings.sync(client=api, limit=1)
        assert isinstance(page, Mailings), page
        assert [found.id for found in page.items] == [mailing.id]
        wrong = create_mailing.sync(client=api, body=MailingNew(text="", end_at=end, filter_=FilterNew()))
        assert isinstance(wrong, Problem), wrong
        assert wrong.status == 422
        shown = show_mailing.sync(mailing.id, client=api)
        assert isinstance(shown, Mailing), shown
        assert shown.end_at == end
        sys.stdout.write(json.dumps(shown.to_dict()))


if __name__ == "__main__":
    main(*sys.argv[1:])

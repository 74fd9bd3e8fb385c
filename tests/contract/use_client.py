"""Uses the generated client: adds a client, creates a mailing and reads it back.

Usage: use_client.py URL TOKEN; prints the mailing as JSON. The Python of the generator's environment runs it.
"""

import datetime
import json
import sys

from herald_client import AuthenticatedClient
from herald_client.api.clients import create_client
from herald_client.api.mailings import create_mailing, list_mailings, show_mailing
from herald_client.models import Client, ClientNew, FilterNew, Mailing, MailingNew, Mailings, Problem, WindowNew


def main(url: str, token: str) -> None:
    with AuthenticatedClient(base_url=url, token=token) as api:
        person = create_client.sync(client=api, body=ClientNew(phone="79161234567", tag="vip"))
        assert isinstance(person, Client), person
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

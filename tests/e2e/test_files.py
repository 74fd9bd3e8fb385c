"""A text is tried on a few phones, and a mailing goes to a file of strangers: by the real route, and counted right."""

import pytest

from tests.conftest import MakeStack
from tests.support.operator import Operator
from tests.support.polling import until

CLIENT, STRANGER, OTHER = "79000001234", "79000001235", "79000001236"

pytestmark = pytest.mark.timeout(120)


async def test_a_test_send_and_a_file_of_strangers_are_sent_by_the_real_route(make_stack: MakeStack) -> None:
    stack = await make_stack("api", "sandbox", "planner", "dispatcher", "reporter")
    operator = Operator(stack)
    await operator.import_csv(f"{CLIENT},,,")
    body = {"text": "Try {{name}}", "phones": [CLIENT, STRANGER], "values": {"name": "Anna"}}
    tried = await operator.post("/test-sends", body, status=201)

    async def finished() -> bool:
        return bool((await operator.get(f"/test-sends/{tried['id']}"))["finished"])

    await until(finished, 60)
    shown = await operator.get(f"/test-sends/{tried['id']}")
    assert [(one["phone"], one["status"]) for one in shown["messages"]] == [(CLIENT, "sent"), (STRANGER, "sent")]
    assert (await operator.get("/statistics"))["messages"]["total"] == 0
    assert await texts_of(operator, [one["message_id"] for one in shown["messages"]]) == ["Try Anna", "Try Anna"]
    mailing = await operator.create_mailing(text="Hello {{name}}", draft=True)
    received = await operator.post_csv(f"/mailings/{mailing}/recipients", "phone,name", f"{OTHER},Boris")
    assert received["recipients"] == 1
    await operator.post(f"/mailings/{mailing}/start")
    await operator.until_status(mailing, "finished")
    assert (await operator.get("/statistics"))["messages"]["sent"] == 1
    (message,) = await operator.messages(mailing)
    assert (message["phone"], message["status"]) == (OTHER, "sent")
    assert await texts_of(operator, [message["id"]]) == ["Hello Boris"]


async def texts_of(operator: Operator, message_ids: list[int]) -> list[str]:
    """The texts that the provider got."""
    return [(await operator.ledger(message_id))[0]["text"] for message_id in message_ids]

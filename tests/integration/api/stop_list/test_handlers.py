"""The stop list: whoever is on it gets nothing, whatever file the phone comes back in."""

import asyncpg
from prometheus_client import CollectorRegistry

from services.api.stop_list.keys import StopListKey
from services.planner.closing.settler import Settler
from services.planner.metrics import Metrics
from services.planner.store import lifecycle
from tests.integration.api.fakes import Api, MakeApi
from tests.integration.api.rows import Rows, from_now
from tests.support.consistency import check_consistency
from tests.support.planner_steps import expand_all

KEY = StopListKey("a key of at least sixteen")
PHONE = "79990000001"


async def with_key(make_api: MakeApi) -> Api:
    return await make_api(stop_list_key=KEY)


async def listed(pool: asyncpg.Pool, phone: str = PHONE) -> bool:
    found: bool = await pool.fetchval("SELECT suppression_id IS NOT NULL FROM clients WHERE phone = $1", phone)
    return found


async def test_a_phone_is_added_once_and_removed_by_an_admin(make_api: MakeApi, rows: Rows, pool: asyncpg.Pool) -> None:
    api = await with_key(make_api)
    client = await rows.client(PHONE)
    made = await api.post("/suppressions", {"phone": PHONE, "reason": "asked"})
    assert (made.status, made.body["client_id"], made.body["phone"], made.body["reason"]) == (
        201,
        client,
        PHONE,
        "asked",
    )
    again = await api.post("/suppressions", {"phone": PHONE, "reason": "twice"})
    assert (again.status, again.body) == (200, made.body)
    assert (await api.get(f"/suppressions?phone={PHONE}")).body["items"] == [made.body]
    assert (await api.get("/suppressions?phone=79990000009")).body["items"] == []
    assert PHONE in (await api.get("/suppressions/export")).body
    assert (await api.get("/suppressions/export?for=excel")).body.startswith("\ufeffid;")
    assert await listed(pool)
    kinds = [item["kind"] for item in (await api.get(f"/clients/{client}/events")).body["items"]]
    assert kinds == ["created", "opted_out"]
    await rows.token("an-operator", "operator")
    operator = {"Authorization": "Bearer an-operator"}
    path = f"/suppressions/{made.body['id']}"
    assert (await api.delete(path, headers=operator)).status == 403
    assert (await api.delete(path)).status == 204
    assert (await api.delete(path)).status == 404
    assert not await listed(pool)
    assert await pool.fetchval("SELECT array_agg(kind ORDER BY id) FROM suppression_events") == ["added", "removed"]
    kinds = [item["kind"] for item in (await api.get(f"/clients/{client}/events")).body["items"]]
    assert kinds == ["created", "opted_out", "opted_in"]
    # Nobody has this phone, and its removal is an event all the same.
    other = (await api.post("/suppressions", {"phone": "79990000009"})).body["id"]
    await api.delete(f"/suppressions/{other}")
    last = (await api.get("/events")).body["items"][0]
    assert (last["kind"], last["by"]) == ("stop_list_removed", "env:admin")
    assert last["detail"]["suppression_id"] == other


async def test_a_client_who_comes_back_is_still_on_the_list(make_api: MakeApi, pool: asyncpg.Pool) -> None:
    api = await with_key(make_api)
    made = await api.post("/clients", {"phone": PHONE})
    await api.post("/suppressions", {"phone": PHONE})
    await api.delete(f"/clients/{made.body['id']}")
    # No phone and no client is left, and the list still knows.
    entry = (await api.get("/suppressions")).body["items"][0]
    assert (entry["phone"], entry["client_id"]) == (None, None)
    assert PHONE not in repr([dict(row) for row in await pool.fetch("SELECT * FROM suppressions")])
    assert (await api.upload(f"phone\n{PHONE}\n79990000002\n".encode())).body["created"] == 2
    assert (await listed(pool), await listed(pool, "79990000002")) == (True, False)
    other = await pool.fetchval("SELECT id FROM clients WHERE phone = '79990000002'")
    await api.delete(f"/clients/{await pool.fetchval('SELECT id FROM clients WHERE phone = $1', PHONE)}")
    # A phone that is changed to one of the list.
    await api.patch(f"/clients/{other}", {"phone": PHONE})
    assert await listed(pool)
    await api.patch(f"/clients/{other}", {"phone": "79990000003"})
    assert not await listed(pool, "79990000003")
    assert (await api.post("/clients", {"phone": PHONE})).status == 201
    assert await listed(pool)


async def test_a_file_is_added_and_bad_lines_are_reported(make_api: MakeApi, rows: Rows, pool: asyncpg.Pool) -> None:
    api = await with_key(make_api)
    await rows.client(PHONE)
    body = f"phone,reason\n{PHONE},asked\n891,x\n79990000002,\n{PHONE},again\n".encode()
    headers = {"Content-Type": "text/csv"}
    report = await api.post("/suppressions/import?reason=list", data=body, headers=headers)
    counts = {"added": 2, "present": 0, "repeated": 1, "rejected": 1}
    assert (report.status, {name: report.body[name] for name in counts}) == (200, counts)
    assert report.body["errors"][0]["line"] == 3
    assert [entry["reason"] for entry in (await api.get("/suppressions")).body["items"]] == ["asked", "list"]
    assert await listed(pool)
    refused = await api.post("/suppressions/import", data=b"number\n1\n", headers=headers)
    assert refused.status == 422
    # Every line is counted once, also where a phone comes again in another batch.
    phones = [PHONE, *(f"7888{number:07d}" for number in range(6000)), PHONE, "78880000000", "1"]
    long = await api.post("/suppressions/import", data="\n".join(["phone", *phones]).encode(), headers=headers)
    counts = {"added": 6000, "present": 1, "repeated": 2, "rejected": 1}
    assert {name: long.body[name] for name in counts} == counts


async def test_a_file_of_excel_is_added_as_people_have_it(make_api: MakeApi) -> None:
    api, headers = await with_key(make_api), {"Content-Type": "text/csv"}
    rows = ["ФИО;Телефон;Почему", 'Анна;8 (999) 000-00-01;"просила', 'письмом"', ";+7 999 000 00 02;", ";7,9E+10;"]
    body = "\r\n".join(rows)
    query = "encoding=windows-1251&delimiter=semicolon&map=-,phone,reason&phones=repair&reason=list"
    report = await api.post(f"/suppressions/import?{query}", data=body.encode("cp1251"), headers=headers)
    assert (report.status, report.body["added"], report.body["rejected"]) == (200, 2, 1), report.body
    assert [error["line"] for error in report.body["errors"]] == [5]
    # A line break within a value is a blank.
    reasons = [entry["reason"] for entry in (await api.get("/suppressions")).body["items"]]
    assert reasons == ["просила письмом", "list"]
    for wrong in ("map=phone,tag", "map=reason", "header=false", "encoding=koi8"):
        assert (await api.post(f"/suppressions/import?{wrong}", data=b"phone\n", headers=headers)).status == 422, wrong


async def test_without_the_key_nothing_is_added_and_nobody_slips_in(make_api: MakeApi) -> None:
    api, without, other = (
        await with_key(make_api),
        await make_api(),
        await make_api(stop_list_key=StopListKey("x" * 16)),
    )
    refused = await without.post("/suppressions", {"phone": PHONE})
    assert (refused.status, refused.body["code"]) == (503, "stop-list-unreadable")
    assert (await without.post("/clients", {"phone": "79990000002"})).status == 201
    assert (await api.post("/suppressions", {"phone": PHONE})).status == 201
    for blind in (without, other):
        for answered in (
            await blind.post("/clients", {"phone": PHONE}),
            await blind.upload(f"phone\n{PHONE}\n".encode()),
            await blind.post("/suppressions", {"phone": "79990000003"}),
        ):
            assert (answered.status, answered.body["code"]) == (503, "stop-list-unreadable")
    assert (await api.get("/clients")).body["items"][0]["phone"] == "79990000002"


async def test_unsent_messages_are_cancelled_as_opted_out_and_those_of_new_mailings_from_the_first(
    make_api: MakeApi, rows: Rows, pool: asyncpg.Pool
) -> None:
    api = await with_key(make_api)
    client, other = await rows.client(PHONE, tag="vip"), await rows.client("79990000002", tag="vip")
    running = await rows.mailing("running", pending=1)
    message = await rows.message(running, client)
    await api.post("/suppressions", {"phone": PHONE})
    await Settler(pool, Metrics(CollectorRegistry())).close_opt_outs()
    (row,) = await pool.fetch("SELECT status, reason FROM messages WHERE id = $1", message)
    assert tuple(row) == ("cancelled", "opted out")
    body = {"text": "x", "end_at": from_now(hours=1), "filter": {"tags": ["vip"]}}
    preview = (await api.post("/mailings/preview", body)).body
    assert (preview["recipients"], preview["opted_out"], preview["by_tag"]) == (1, 1, {"vip": 1})
    # Whichever way the phone comes into the audience: all clients, a tag, a further tag, conditions, a file.
    await pool.execute("UPDATE clients SET further_tags = '{second}'")
    for filter_ in ({}, {"tags": ["vip"]}, {"tags": ["second"]}, {"all": [{"field": "tag", "op": "exists"}]}, None):
        draft = (await api.post("/mailings", {**body, "filter": filter_ or {}, "draft": True})).body["id"]
        if filter_ is None:
            file = f"phone\n{PHONE}\n79990000002\n".encode()
            await api.post(f"/mailings/{draft}/recipients", data=file, headers={"Content-Type": "text/csv"})
        await api.post(f"/mailings/{draft}/start")
        await lifecycle.start_due(pool)
        await expand_all(pool, draft, size=1)
        rows_of = await pool.fetch("SELECT client_id, status, reason FROM messages WHERE mailing_id = $1", draft)
        assert {tuple(row) for row in rows_of} == {(other, "pending", None), (client, "cancelled", "opted out")}, (
            filter_
        )
        await check_consistency(pool, draft)
        resend = await api.post(f"/mailings/{draft}/resend", {"statuses": ["cancelled"]})
        assert resend.body["messages"] == 0
    entry = (await api.get("/suppressions")).body["items"][0]["id"]
    await api.delete(f"/suppressions/{entry}")
    # Taken off the list by mistake or not: what was cancelled can be sent.
    assert (await api.post(f"/mailings/{draft}/resend", {"statuses": ["cancelled"]})).body["messages"] == 1

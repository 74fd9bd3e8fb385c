"""A typical notification service made with Celery: one task fans a mailing out, another sends one message.

It runs in an environment of its own (requirements-celery.lock). It reads the tables, posts to the provider and stores
the new status. It has no leases, no fences, no windows and no statistics.
"""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg_pool
import requests
from celery import Celery

TIMEOUT_SECONDS = 10
RETRY_SECONDS = 30

# BENCH_TUNED is 1 for what the manual recommends: reused connections, and tasks that survive their worker.
TUNED = os.environ.get("BENCH_TUNED") == "1"

app = Celery("bench", broker=os.environ["BENCH_BROKER_URL"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=TUNED,
    task_default_queue=os.environ["BENCH_QUEUE"],
    task_ignore_result=True,
    # Only the queue and its exchange remain on the broker.
    worker_enable_remote_control=False,
)


@cache
def pool() -> Any:
    """Returns the connection pool of this process. It is cached, so that it is made after the fork."""
    return psycopg_pool.ConnectionPool(
        os.environ["BENCH_DATABASE_URL"], min_size=1, max_size=10, kwargs={"autocommit": True}, open=True
    )


@cache
def session() -> Any:
    kept = requests.Session()
    kept.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=200))
    return kept


def execute(statement: str, *values: object) -> Any:
    with pool().connection() as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


@app.task
def send_mailing(mailing_id: int) -> None:
    execute("UPDATE mailings SET started_at = clock_timestamp() WHERE id = %s", mailing_id)
    made = execute("INSERT INTO messages (mailing_id, client_id) SELECT %s, id FROM clients RETURNING id", mailing_id)
    for (message_id,) in made:
        send_message.delay(message_id)


@app.task(bind=True, max_retries=8)
def send_message(self: Any, message_id: int) -> None:
    ((phone, text, end_at),) = execute(
        """
        SELECT c.phone, g.text, g.end_at
        FROM messages m JOIN clients c ON c.id = m.client_id JOIN mailings g ON g.id = m.mailing_id
        WHERE m.id = %s
        """,
        message_id,
    )
    if datetime.now(UTC) > end_at:
        execute("UPDATE messages SET status = 'expired' WHERE id = %s", message_id)
        return
    try:
        reply = (session() if TUNED else requests).post(
            f"{os.environ['BENCH_PROVIDER_URL']}/send/{message_id}",
            json={"id": message_id, "phone": int(phone), "text": text},
            headers={"Authorization": f"Bearer {os.environ['BENCH_PROVIDER_TOKEN']}"},
            timeout=TIMEOUT_SECONDS,
        )
        reply.raise_for_status()
    except requests.RequestException as error:
        raise self.retry(exc=error, countdown=RETRY_SECONDS) from error
    execute("UPDATE messages SET status = 'sent', sent_at = clock_timestamp() WHERE id = %s", message_id)

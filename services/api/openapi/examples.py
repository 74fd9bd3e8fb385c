"""Values for the examples of the document: one small story of one client and one mailing."""

from typing import Any

import orjson

Json = dict[str, Any]

_COUNTS = {"pending": 0, "retrying": 0, "sent": 0, "rejected": 0, "exhausted": 0, "expired": 0, "cancelled": 0}
_MADE_AT, _SENT_AT = "2035-01-30T09:00:00Z", "2035-01-30T09:00:01.250000Z"
_SENT: Json = {**_COUNTS, "sent": 1}

CLIENT_NEW: Json = {"phone": "79161234567", "tag": "vip", "timezone": "Europe/Moscow"}
CLIENT_SHORT: Json = {"phone": "79031234568"}
CLIENT: Json = {
    "id": 1,
    "phone": "79161234567",
    "operator_code": "916",
    "tag": "vip",
    "timezone": "Europe/Moscow",
    "created_at": _MADE_AT,
    "updated_at": _MADE_AT,
}
CLIENTS: Json = {"items": [CLIENT], "next": "Y2xpZW50czox"}
CLIENTS_CSV = "phone,operator_code,tag,timezone\n79161234567,916,vip,Europe/Moscow\n79031234568,,,\n"
CLIENTS_NDJSON = '{"phone": "79161234567", "tag": "vip", "timezone": "Europe/Moscow"}\n{"phone": "79031234568"}\n'
IMPORTED: Json = {
    "created": 2,
    "updated": 0,
    "skipped": 0,
    "rejected": 1,
    "errors": [{"line": 4, "detail": "phone: String should match pattern '^7[0-9]{10}$'"}],
}

MAILING_NOW: Json = {
    "text": "Your order is ready.",
    "end_at": "2035-01-31T18:00:00+03:00",
    "filter": {"tags": ["vip"]},
}
MAILING_PLANNED: Json = {
    "text": "The sale begins today.\nCome and see.",
    "start_at": "2035-01-30T09:00:00+03:00",
    "end_at": "2035-01-31T18:00:00+03:00",
    "filter": {"operator_codes": ["903", "916"], "tags": ["vip", ""]},
    "window": {"from": "09:00", "to": "21:00"},
}
MAILING_TO_ALL: Json = {
    "text": "We are back.",
    "end_at": "2035-01-31T15:00:00Z",
    "filter": {},
    "window": {"from": "22:00", "to": "06:00"},
}
MAILING: Json = {
    "id": 1,
    "text": "Your order is ready.",
    "filter": {"operator_codes": [], "tags": ["vip"]},
    "start_at": _MADE_AT,
    "end_at": "2035-01-31T15:00:00Z",
    "window": None,
    "status": "scheduled",
    "total": 0,
    "by_status": _COUNTS,
    "expanding": False,
    "created_at": _MADE_AT,
    "updated_at": _MADE_AT,
    "started_at": None,
    "finished_at": None,
}
MAILING_RUNNING: Json = {
    **MAILING,
    "status": "running",
    "total": 1,
    "by_status": {**_COUNTS, "pending": 1},
    "started_at": _MADE_AT,
}
MAILING_PAUSED: Json = {**MAILING_RUNNING, "status": "paused"}
MAILING_CANCELLED: Json = {
    **MAILING_RUNNING,
    "status": "cancelled",
    "by_status": {**_COUNTS, "cancelled": 1},
    "finished_at": _SENT_AT,
}
MAILINGS: Json = {"items": [MAILING_RUNNING], "next": None}

MESSAGE: Json = {
    "id": 1,
    "client_id": 1,
    "mailing_id": 1,
    "status": "sent",
    "reason": None,
    "attempts": 2,
    "created_at": _MADE_AT,
    "sent_at": _SENT_AT,
}
MESSAGES: Json = {"items": [MESSAGE], "next": None}
MESSAGES_CSV = (
    "id,client_id,mailing_id,status,reason,attempts,created_at,sent_at\r\n"
    "1,1,1,sent,,2,2035-01-30T09:00:00Z,2035-01-30T09:00:01.250000Z\r\n"
)
MESSAGE_IN_FULL: Json = {
    **MESSAGE,
    "attempts": [
        {
            "number": 1,
            "started_at": "2035-01-30T09:00:00.100000Z",
            "duration_ms": 31,
            "outcome": "server_error",
            "http_status": 503,
            "detail": "HTTP 503",
        },
        {
            "number": 2,
            "started_at": "2035-01-30T09:00:01.200000Z",
            "duration_ms": 48,
            "outcome": "accepted",
            "http_status": 200,
            "detail": None,
        },
    ],
}

TOTALS: Json = {
    "mailings": {"total": 1, "scheduled": 0, "running": 0, "paused": 0, "finished": 1, "cancelled": 0},
    "messages": {**_SENT, "total": 1},
}
SUMMARIES: Json = {
    "items": [
        {
            "mailing_id": 1,
            "status": "finished",
            "start_at": _MADE_AT,
            "end_at": "2035-01-31T15:00:00Z",
            "total": 1,
            "by_status": _SENT,
        }
    ],
    "next": None,
}
STATISTICS: Json = {
    "mailing_id": 1,
    "status": "finished",
    "total": 1,
    "by_status": _SENT,
    "attempts": {"total": 2, "by_outcome": {"accepted": 1, "server_error": 1}},
    "reasons": [],
    "per_minute": [{"at": "2035-01-30T09:00:00Z", "sent": 1, "failed": 0}],
    "rate": 0.0,
    "eta": 0.0,
    "started_at": _MADE_AT,
    "finished_at": _SENT_AT,
}

TOKEN: Json = {"name": "anna", "role": "operator"}

RESEND: Json = {"statuses": ["rejected", "exhausted"]}
RESENT: Json = {"messages": 1}

DEAD_LETTERS: Json = {
    "items": [
        {
            "id": "0f1e2d3c4b5a6978",
            "queue": "dispatcher.dead",
            "reason": "exhausted: HTTP 500",
            "mailing_id": 1,
            "message_id": 1,
            "at": _SENT_AT,
        }
    ],
    "next": None,
}
REPLAY_ALL: Json = {"all": True, "queue": "dispatcher.dead"}
REPLAY_SOME: Json = {"ids": ["0f1e2d3c4b5a6978"]}
REPLAYED: Json = {
    "replayed": 0,
    "refused": 1,
    "errors": [{"id": "0f1e2d3c4b5a6978", "detail": "the mailing's deadline has passed"}],
}
DROP: Json = {"all": True}
DROPPED: Json = {"dropped": 1}

PREVIEW: Json = {
    "recipients": 1,
    "reachable": 1,
    "unreachable": 0,
    "by_operator_code": {"916": 1},
    "by_tag": {"vip": 1},
    "sample": [CLIENT],
    "sms_segments": 1,
}
_CREATED: Json = {"at": _MADE_AT, "kind": "created", "request_id": "order-4711", "detail": {}}
CLIENT_EVENTS: Json = {
    "items": [_CREATED, {**_CREATED, "at": _SENT_AT, "kind": "updated", "detail": {"fields": ["tag"]}}],
    "next": None,
}
MAILING_EVENTS: Json = {
    "items": [_CREATED, {**_CREATED, "kind": "started"}, {**_CREATED, "at": _SENT_AT, "kind": "finished"}],
    "next": None,
}
STATISTICS_EVENTS = (
    f"retry: 2000\n\nevent: statistics\ndata: {orjson.dumps(STATISTICS).decode()}\n\n"
    'event: end\ndata: {"reason":"ended"}\n\n'
)

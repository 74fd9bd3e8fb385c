"""The table of all routes: the handler, the least role, the summary, and the models of query parameters and body."""

from services.api.access import handlers as token
from services.api.audit import handlers as audit
from services.api.audit.schemas import EventsQuery
from services.api.clients import export
from services.api.clients import handlers as clients
from services.api.clients.import_ import handler as imports
from services.api.clients.import_ import inspect as imports_inspect
from services.api.clients.import_.parameters import ImportQuery
from services.api.clients.schemas import ClientNew, ClientPatch, ClientsQuery, ExportQuery
from services.api.dead_letters import handlers as dead_letters
from services.api.dead_letters.schemas import DeadLettersDrop, DeadLettersQuery, DeadLettersReplay
from services.api.health import handlers as health
from services.api.mailings import handlers as mailings
from services.api.mailings import resend
from services.api.mailings.audience import preview
from services.api.mailings.drafts import handlers as drafts
from services.api.mailings.recipients import handlers as recipients
from services.api.mailings.recipients.schemas import RecipientsQuery
from services.api.mailings.schemas import MailingNew, MailingPatch, MailingsQuery, Resend
from services.api.messages import handlers as messages
from services.api.messages.schemas import MessagesQuery
from services.api.processes import handlers as processes
from services.api.providers import handlers as providers
from services.api.segments import handlers as segments
from services.api.segments.schemas import SegmentNew, SegmentPatch, SegmentsQuery
from services.api.sign_in import sessions
from services.api.statistics import delivery, sse
from services.api.statistics import handlers as statistics
from services.api.stop_list import handlers as stop_list
from services.api.stop_list.schemas import SuppressionExportQuery, SuppressionNew, SuppressionsQuery
from services.api.stop_list_files import handlers as stop_list_files
from services.api.stop_list_files.schemas import SuppressionImportQuery
from services.api.test_sends import handlers as test_sends
from services.api.test_sends.schemas import TestSendNew
from services.api.tokens import handlers as tokens
from services.api.tokens.schemas import TokenNew, TokensQuery
from services.api.web.queries import PageQuery
from services.api.web.route import Route

_CLIENT = "/clients/{client_id:[0-9]{1,19}}"
_MAILING = "/mailings/{mailing_id:[0-9]{1,19}}"
_SEGMENT = "/segments/{segment_id:[0-9]{1,19}}"
_SUPPRESSION = "/suppressions/{suppression_id:[0-9]{1,19}}"
_TEST_SEND = "/test-sends/{test_send_id:[0-9]{1,19}}"
_MESSAGE = "/messages/{message_id:[0-9]{1,19}}"
_PROVIDER = "/providers/{provider:[a-z][a-z0-9_-]{0,31}}"

ROUTES = (
    Route("POST", "/clients", clients.create, "operator", "Add a client", body=ClientNew),
    Route("GET", "/clients", clients.listing, "viewer", "List clients", ClientsQuery),
    Route(
        "POST",
        "/clients/import",
        imports.import_clients,
        "operator",
        "Import clients in bulk",
        ImportQuery,
        uploads=True,
    ),
    Route(
        "POST",
        "/clients/import/inspect",
        imports_inspect.inspect,
        "operator",
        "Inspect a file of clients",
        uploads=True,
    ),
    Route("GET", "/clients/export", export.export_clients, "viewer", "Export all clients", ExportQuery, streams=True),
    Route(
        "PUT",
        "/clients/by-external-id/{external_id:[^/]{1,200}}",
        clients.replace_by_external_id,
        "operator",
        "Create or replace a client by its external id",
        body=ClientNew,
    ),
    Route("GET", _CLIENT, clients.show, "viewer", "Show a client"),
    Route("PATCH", _CLIENT, clients.patch, "operator", "Change some fields of a client", body=ClientPatch),
    Route("PUT", _CLIENT, clients.replace, "operator", "Replace a client", body=ClientNew),
    Route("DELETE", _CLIENT, clients.delete, "operator", "Delete a client"),
    Route("GET", _CLIENT + "/events", clients.events, "viewer", "List the events of a client", PageQuery),
    Route("GET", _CLIENT + "/messages", messages.to_client, "viewer", "List the messages to a client", PageQuery),
    Route("POST", "/suppressions", stop_list.create, "operator", "Put a phone on the stop list", body=SuppressionNew),
    Route("GET", "/suppressions", stop_list.listing, "viewer", "List the stop list", SuppressionsQuery),
    Route(
        "POST",
        "/suppressions/import",
        stop_list_files.import_phones,
        "operator",
        "Put the phones of a file on the stop list",
        SuppressionImportQuery,
        uploads=True,
    ),
    Route(
        "GET",
        "/suppressions/export",
        stop_list.export,
        "viewer",
        "Export the stop list",
        SuppressionExportQuery,
        streams=True,
    ),
    Route("GET", _SUPPRESSION, stop_list.show, "viewer", "Show an entry of the stop list"),
    Route("DELETE", _SUPPRESSION, stop_list.remove, "admin", "Remove an entry of the stop list"),
    Route("POST", "/segments", segments.create, "operator", "Save a segment", body=SegmentNew),
    Route("GET", "/segments", segments.listing, "viewer", "List segments", SegmentsQuery),
    Route("GET", _SEGMENT, segments.show, "viewer", "Show a segment"),
    Route("PATCH", _SEGMENT, segments.patch, "operator", "Change some fields of a segment", body=SegmentPatch),
    Route("DELETE", _SEGMENT, segments.delete, "operator", "Delete a segment"),
    Route("GET", _SEGMENT + "/size", segments.count, "viewer", "Count the clients of a segment"),
    Route("POST", "/mailings", mailings.create, "operator", "Create a mailing", body=MailingNew),
    Route("GET", "/mailings", mailings.listing, "viewer", "List mailings", MailingsQuery),
    Route(
        "POST",
        "/mailings/preview",
        preview.preview_new,
        "operator",
        "Preview the audience of a mailing",
        body=MailingNew,
    ),
    Route("GET", _MAILING, mailings.show, "viewer", "Show a mailing"),
    Route("GET", _MAILING + "/preview", preview.preview_stored, "viewer", "Preview a mailing that is stored"),
    Route("PATCH", _MAILING, mailings.patch, "operator", "Change some fields of a mailing", body=MailingPatch),
    Route("DELETE", _MAILING, mailings.delete, "operator", "Delete a mailing and stop its sending"),
    Route("POST", _MAILING + "/start", drafts.start, "operator", "Start a draft"),
    Route("POST", _MAILING + "/duplicate", drafts.duplicate, "operator", "Make a draft from a mailing"),
    Route(
        "POST",
        _MAILING + "/recipients",
        recipients.receive,
        "operator",
        "Take the recipients of a draft from a file",
        RecipientsQuery,
        uploads=True,
    ),
    Route("GET", _MAILING + "/recipients", recipients.listing, "viewer", "List the recipients of a file", PageQuery),
    Route("POST", _MAILING + "/pause", mailings.pause, "operator", "Pause a running mailing"),
    Route("POST", _MAILING + "/resume", mailings.resume, "operator", "Resume a paused mailing"),
    Route("POST", _MAILING + "/cancel", mailings.cancel, "operator", "Cancel a mailing"),
    Route(
        "POST", _MAILING + "/resend", resend.resend, "operator", "Send failed messages of a mailing again", body=Resend
    ),
    Route("GET", _MAILING + "/events", mailings.events, "viewer", "List the events of a mailing", PageQuery),
    Route(
        "GET",
        _MAILING + "/messages",
        messages.listing,
        "viewer",
        "List the messages of a mailing",
        MessagesQuery,
        streams=True,
    ),
    Route("GET", _MAILING + "/statistics", statistics.of_mailing, "viewer", "Show the statistics of a mailing"),
    Route("GET", _MAILING + "/statistics/delivery", delivery.show, "viewer", "Show the delivery of a mailing"),
    Route(
        "GET",
        _MAILING + "/statistics/stream",
        sse.stream,
        "viewer",
        "Follow the statistics of a mailing",
        streams=True,
        endless=True,
    ),
    Route("POST", "/test-sends", test_sends.create, "operator", "Send a text to a few phones", body=TestSendNew),
    Route("GET", _TEST_SEND, test_sends.show, "viewer", "Show a test-send"),
    Route("GET", _MESSAGE, messages.show, "viewer", "Show a message with its attempts"),
    Route("GET", "/statistics", statistics.totals, "viewer", "Count all mailings and messages"),
    Route("GET", "/statistics/mailings", statistics.listing, "viewer", "List the counts of each mailing", PageQuery),
    Route("GET", "/health", health.show, "viewer", "Show whether the whole works"),
    Route("GET", "/overview", health.overview, "viewer", "Show the last day, what needs attention and what comes next"),
    Route("GET", "/providers", providers.listing, "viewer", "List the providers"),
    Route("POST", "/providers/reload", providers.reload, "admin", "Have the providers file read again"),
    Route("POST", _PROVIDER + "/drain", providers.drain, "admin", "Send nothing through a provider"),
    Route("POST", _PROVIDER + "/resume", providers.resume, "admin", "Send through a provider again"),
    Route("GET", "/token", token.show, "viewer", "Show the request's token"),
    Route("GET", "/tokens", tokens.listing, "admin", "List tokens", TokensQuery),
    Route("POST", "/tokens", tokens.create, "admin", "Create a token", body=TokenNew),
    Route("DELETE", "/tokens/{token_id:[0-9]{1,19}}", tokens.revoke, "admin", "Revoke a token"),
    Route("GET", "/processes", processes.listing, "admin", "List the processes that run"),
    Route("GET", "/sessions", sessions.listing, "admin", "List the sessions of people"),
    Route("DELETE", "/sessions/{session_id:[0-9]{1,19}}", sessions.revoke, "admin", "End a session"),
    Route("GET", "/events", audit.listing, "admin", "List all events", EventsQuery, streams=True),
    Route("GET", "/dead-letters", dead_letters.listing, "admin", "List dead letters", DeadLettersQuery),
    Route("POST", "/dead-letters/replay", dead_letters.replay, "admin", "Replay dead letters", body=DeadLettersReplay),
    Route("DELETE", "/dead-letters", dead_letters.drop, "admin", "Drop dead letters", DeadLettersDrop),
)

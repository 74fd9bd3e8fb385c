"""The route table: each row by itself, and all of them together."""

from services.api.openapi.operations import OPERATIONS
from services.api.routes import ROUTES
from services.api.statistics import sse
from services.api.web.observing.request_log import field_names
from shared.statuses import ROLES


def test_every_route_is_there_once() -> None:
    places = [(route.method, route.path) for route in ROUTES]
    assert len(set(places)) == len(places)


FOR_ADMINS = ("/dead-letters", "/sessions", "/events", "/providers", "/tokens", "/processes")
# What everybody may see of them.
LISTED = ("GET", "/providers")


def test_who_reads_is_a_viewer_who_writes_an_operator_and_the_house_itself_is_for_admins() -> None:
    for route in ROUTES:
        assert route.role in ROLES
        usual = "viewer" if route.method == "GET" else "operator"
        removes_opt_out = route.method == "DELETE" and route.path.startswith("/suppressions/")
        admins = route.path.startswith(FOR_ADMINS) and (route.method, route.path) != LISTED
        assert route.role == ("admin" if admins or removes_opt_out else usual), route


def test_every_route_has_a_summary() -> None:
    for route in ROUTES:
        assert route.summary[0].isupper(), route
        assert not route.summary.endswith("."), route


def test_every_get_answers_head_save_the_one_that_never_ends() -> None:
    without = [route.handler for route in ROUTES if route.method == "GET" and not route.answers_head]
    assert without == [sse.stream]


def test_every_field_that_a_caller_can_send_is_named_by_a_route() -> None:
    assert field_names(model for route in ROUTES for model in route.models) == {
        *("all", "by", "client_id", "closes", "cursor", "end_at", "filter", "for", "from", "ids", "kind", "limit"),
        *("include_unknown", "delivery", "on_conflict", "since", "until"),
        *("on_empty", "opens", "reason", "spreadsheet", "unsent_of", "with_id"),
        *("operator_code", "operator_codes", "phone", "queue", "start_at", "status", "statuses", "tag", "tags"),
        *("text", "timezone", "to", "window"),
        *("name", "role", "expires_at", "draft", "q", "sort", "start_from", "start_before", "phones", "values"),
        *("encoding", "delimiter", "header", "map", "default_tag", "default_timezone", "refused", "on_error"),
        *("attributes", "external_id", "days", "on_missing", "segment", "source"),
        *("all", "all_of", "any", "any_of", "not", "none_of"),
    }


def test_a_body_in_json_is_documented_with_the_model_that_the_route_names() -> None:
    for route in ROUTES:
        documented = {content.shape for content in OPERATIONS[route.handler].body if isinstance(content.shape, type)}
        assert documented == ({route.body} if route.body else set()), route

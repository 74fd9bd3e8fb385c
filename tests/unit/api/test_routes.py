from services.api.routes import ROUTES
from services.api.tokens import ROLES


def test_every_route_is_there_once() -> None:
    places = [(route.method, route.path) for route in ROUTES]
    assert len(set(places)) == len(places)


def test_who_reads_is_a_viewer_who_writes_an_operator_and_dead_letters_are_for_admins() -> None:
    for route in ROUTES:
        assert route.role in ROLES
        usual = "viewer" if route.method == "GET" else "operator"
        assert route.role == ("admin" if route.path.startswith("/dead-letters") else usual), route


def test_every_route_says_what_it_does() -> None:
    for route in ROUTES:
        assert route.summary[0].isupper(), route
        assert not route.summary.endswith("."), route

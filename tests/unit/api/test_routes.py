from services.api.routes import ROUTES
from services.api.tokens import ROLES


def test_every_route_is_there_once() -> None:
    places = [(route.method, route.path) for route in ROUTES]
    assert len(set(places)) == len(places)


def test_who_reads_is_a_viewer_and_who_writes_an_operator() -> None:
    for route in ROUTES:
        assert route.role in ROLES
        assert route.role == ("viewer" if route.method == "GET" else "operator"), route


def test_every_route_says_what_it_does() -> None:
    for route in ROUTES:
        assert route.summary[0].isupper(), route
        assert not route.summary.endswith("."), route

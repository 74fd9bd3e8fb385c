"""What follows from the rows of one path."""

from services.api.routes import ROUTES
from services.api.web.route import by_path, methods_of


def test_a_path_has_the_methods_of_its_rows_and_options() -> None:
    assert methods_of(by_path(ROUTES)["/clients"]) == ["GET", "HEAD", "OPTIONS", "POST"]
    assert methods_of(by_path(ROUTES)["/clients/import"]) == ["OPTIONS", "POST"]

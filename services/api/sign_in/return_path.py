"""Decides where a sign-in leads back to: to a page of this console, and nowhere else. Pure."""

LONGEST = 1000


def safe_return(path: str | None) -> str:
    """Returns the fragment of a console's page, such as #/mailings/12, or an empty text for anything else.

    Only what follows the # is kept, so that no value can lead to another host.
    """
    if path is None or not path.startswith("#/") or len(path) > LONGEST or not path.isprintable():
        return ""
    return path

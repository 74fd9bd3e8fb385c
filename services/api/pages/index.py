"""GET /api/: shows the document as an HTML page."""

from collections.abc import Iterator
from html import escape
from typing import Any

Json = dict[str, Any]

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Herald: index of the API</title>
<link rel="icon" type="image/png" href="../docs/favicon-32x32.png">
<link rel="stylesheet" href="../docs/pages.css">
</head>
<body>
<nav><a href="../">Console</a> <a href="../docs/">Try the API</a> <a href="../openapi.json">openapi.json</a></nav>
<main class="index">
<h1>Herald API</h1>
<p>{summary} Each operation links to its description, where it can be tried.</p>
{sections}
</main>
</body>
</html>
"""


def render(document: Json) -> str:
    """Renders the page: one section for each tag, one line for each operation."""
    sections = "\n".join(_section(document, tag) for tag in document["tags"])
    return _PAGE.format(summary=escape(document["info"]["summary"]), sections=sections)


def _section(document: Json, tag: Json) -> str:
    rows = "\n".join(_rows(document, tag["name"]))
    return (
        f'<h2 id="{escape(tag["name"])}">{escape(tag["name"])}</h2>\n<p>{escape(tag["description"])}</p>\n'
        f"<table>\n<thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Role</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _rows(document: Json, tag: str) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield _row(path, method, operation)


def _row(path: str, method: str, operation: Json) -> str:
    link = f"../docs/#/{operation['tags'][0]}/{operation['operationId']}"
    role = next((role for rule in operation["security"] for roles in rule.values() for role in roles), "none")
    return (
        f"<tr><td><code>{escape(method.upper())}</code></td>"
        f'<td><a href="{escape(link)}"><code>{escape(path)}</code></a></td>'
        f"<td>{escape(operation['summary'])}</td><td>{escape(role)}</td></tr>"
    )

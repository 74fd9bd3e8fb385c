"""Renders GET /docs/problems: the page to which the `type` of every problem points."""

from html import escape

from services.api.web.problem_kinds import KINDS

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Herald: problems</title>
<link rel="icon" type="image/png" href="favicon-32x32.png">
<link rel="stylesheet" href="pages.css">
</head>
<body>
<nav><a href="../">Console</a> <a href="./">Try the API</a> <a href="../api/">Index</a></nav>
<main class="index">
<h1>Problems</h1>
<p>A request that fails is answered with application/problem+json (RFC 9457). Its code is one of these.</p>
<table>
<thead><tr><th>Status</th><th>Code</th><th>What it means</th><th>What to do</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""


def render() -> str:
    """Renders the page: a row for each kind of problem, with the code as its id."""
    rows = (
        f'<tr id="{escape(code)}"><td>{kind.status}</td><td><code>{escape(code)}</code></td>'
        f"<td>{escape(kind.meaning)}</td><td>{escape(kind.remedy.replace('`', ''))}</td></tr>"
        for code, kind in KINDS.items()
    )
    return _PAGE.format(rows="\n".join(rows))

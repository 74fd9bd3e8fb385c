"""Renders an arranged report as plain text and as HTML without anything remote. Pure."""

from collections.abc import Sequence
from html import escape

from services.planner.report.tables import ArrangedReport, Section

SENT, FAILED, REST = "#2f855a", "#c53030", "#e2e8f0"
CELL = "padding:6px 8px;border-bottom:1px solid #e2e8f0;"
# Tables and inline styles: what all mail programs understand. It is as wide as a telephone, or 640 pixels.
PAGE = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>'
    '<body style="margin:0;padding:16px;background:#ffffff;color:#1a202c;'
    'font:15px/1.45 -apple-system,Segoe UI,Roboto,Arial,sans-serif">'
    '<div style="max-width:640px;margin:0 auto"><h1 style="font-size:22px;margin:0 0 16px">{title}</h1>'
    '{sections}<p style="color:#4a5568;font-size:13px;margin:24px 0 0">{footer}</p></div></body></html>'
)


def render_text(report: ArrangedReport) -> str:
    """Renders a report as plain text: tables in columns, at most as wide as they need."""
    parts = [report.title, "=" * len(report.title), ""]
    for section in report.sections:
        parts += [section.heading, "-" * len(section.heading), *section.sentences, *_text_table(section), ""]
    return "\n".join([*parts, report.footer, ""])


def _text_table(section: Section) -> list[str]:
    if not section.rows:
        return []
    lines = [list(section.columns), *map(list, section.rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(section.columns))]
    return ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines]


def render_html(report: ArrangedReport, language: str) -> str:
    """Renders a report as one HTML page. It loads nothing, and its bars are cells of tables."""
    sections = "".join(_html_section(section) for section in report.sections)
    return PAGE.format(language=language, title=escape(report.title), sections=sections, footer=escape(report.footer))


def _html_section(section: Section) -> str:
    sentences = "".join(f'<p style="margin:0 0 8px">{escape(sentence)}</p>' for sentence in section.sentences)
    heading = f'<h2 style="font-size:17px;margin:24px 0 8px">{escape(section.heading)}</h2>'
    return heading + sentences + (_html_table(section) if section.rows else "")


def _html_table(section: Section) -> str:
    head = "".join(
        _cell("th", text, place, "color:#4a5568;font-weight:600;") for place, text in enumerate(section.columns)
    )
    body = ""
    for place, row in enumerate(section.rows):
        cells = "".join(_cell("td", text, column) for column, text in enumerate(row))
        body += f"<tr>{cells}</tr>"
        if section.bars:
            bar = _bar(section.bars[place])
            body += f'<tr><td colspan="{len(section.columns)}" style="padding:0 8px 8px">{bar}</td></tr>'
    return (
        '<table role="table" width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(tag: str, text: str, place: int, style: str = "") -> str:
    align = "left" if place == 0 else "right;font-variant-numeric:tabular-nums"
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} style="{CELL}{style}text-align:{align}">{escape(text)}</{tag}>'


def _bar(shares: tuple[float, float]) -> str:
    """Returns a bar of one line: sent, failed, and the rest of the width."""
    widths = _percents(shares)
    cells = "".join(
        f'<td width="{width}%" style="background:{color};height:6px;font-size:0;line-height:0">&nbsp;</td>'
        for width, color in zip(widths, (SENT, FAILED, REST), strict=True)
        if width
    )
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" aria-hidden="true">'
        f"<tr>{cells}</tr></table>"
    )


def _percents(shares: Sequence[float]) -> list[int]:
    """Returns whole percents of the shares and of the rest. What is not nothing gets at least one."""
    percents = [max(round(share * 100), 1) if share > 0 else 0 for share in shares]
    return [*percents, max(100 - sum(percents), 0)]

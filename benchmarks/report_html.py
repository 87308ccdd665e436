"""A report as one HTML page that needs nothing else, by jinja2 with everything escaped."""

import base64
import hashlib

from .report_content import Cell, Report
from .report_template import SCRIPT, STYLE, TEMPLATE
from .tables import MISSING


def render_html(report: Report) -> str:
    """Write a report as a page.

    The page loads nothing, can be read without JavaScript, and follows the reader's choice of
    light or dark. Its content policy lets no script run but the one that sorts tables.

    Parameters
    ----------
    report : Report
        Its content.

    Returns
    -------
    str
        HTML.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    page = environment.from_string(TEMPLATE).render(
        report=report, style=Markup(STYLE), policy=_policy(), sort_key=_sort_key
    )
    # After the content, so that the tables are there; its hash stands in the policy.
    return page.replace("</body>", f"<script>{SCRIPT}</script>\n</body>")


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _sort_key(cell: Cell, numeric: bool) -> str:
    if cell.text in ("", MISSING):
        return ""
    return repr(cell.number) if numeric else cell.text

"""Item 11: how an estimator is shown in a notebook."""

import html

from sklearn.utils import estimator_html_repr

from skencoder.testing.case import Case, require
from skencoder.testing.checklist import text_check


@text_check(11)
def check_html_view(case: Case) -> None:
    """Show the class in the HTML view, before and after ``fit``."""
    for estimator in (case.new(), case.fitted()):
        for shown in (estimator_html_repr(estimator), estimator._repr_html_()):
            require(case.name in shown, f"the HTML view does not name {case.name}.")


@text_check(11)
def check_html_explains_every_parameter(case: Case) -> None:
    """Explain every parameter in the HTML view, from the docstring."""
    estimator = case.new()
    # Tooltips hang on links; the documentation's real address is another check.
    estimator._get_doc_link = lambda: "https://example.org/"
    shown = estimator_html_repr(estimator)
    missing = [
        name
        for name in case.parameters
        if f"anchor-name: --doc-link-{html.escape(name)};" not in shown
    ]
    require(not missing, f"the docstring's Parameters section lacks {', '.join(missing)}.")


@text_check(11)
def check_html_links_to_documentation(case: Case) -> None:
    """Link to the documentation in the HTML view."""
    link = case.new()._get_doc_link()
    require(link.startswith("http"), f"_get_doc_link() gives {link!r}.")
    require(html.escape(link) in estimator_html_repr(case.new()), f"{link} is not shown.")

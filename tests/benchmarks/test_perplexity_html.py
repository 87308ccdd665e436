"""The page that shows a text in colours: whole, self-contained, true to the scores."""

from html.parser import HTMLParser

import pytest

from benchmarks.language_models import ScoredToken
from benchmarks.perplexity_html import render_tokens


class Model:
    name, kind, method, fingerprint = "a<b", "masked", "pll", "f" * 64


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.marks, self.rows, self.links, self.text = [], [], [], ""
        self._inside = None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.links += [value for name, value in given.items() if name in ("src", "href")]
        if given.get("class") == "text":
            self._inside = "text"
        if tag == "mark":
            self.marks.append([given["class"], given["title"], ""])
            self._inside = "mark"
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self._inside = "td"

    def handle_endtag(self, tag):
        if tag in ("mark", "p", "td"):
            self._inside = "text" if tag == "mark" else None

    def handle_data(self, data):
        if self._inside in ("text", "mark"):
            self.text += data
        if self._inside == "mark":
            self.marks[-1][2] += data
        if self._inside == "td":
            self.rows[-1].append(data)


def render(text, tokens):
    page = Page()
    source = render_tokens(Model, text, [ScoredToken(*token) for token in tokens])
    page.feed(source)
    return page, source


def test_a_text_in_colours():
    text = "The <cat>\n  sat"
    tokens = [("the", 0, 3, -0.1), ("<", 4, 5, -5.0), ("cat", 5, 8, -40.0), (">", 8, 9, None)]
    page, source = render(text, [*tokens, ("sat", 12, 15, -10.0)])
    assert page.text == text
    assert [(kind, shown) for kind, _, shown in page.marks] == [
        ("s0", "The"),
        ("s5", "<"),
        ("s10", "cat"),
        ("unscored", ">"),
        ("s10", "sat"),
    ]
    assert page.marks[1][1] == "<: 5.00 nats"
    assert page.rows[1:][0] == ["the", "0.100", "0.9"]
    assert page.rows[1:][3] == [">", "-", "-"]
    assert "-55.100 nats in all" in source
    assert "a&lt;b" in source
    assert not page.links
    assert "<script" not in source
    assert "http" not in source
    assert "prefers-color-scheme: dark" in source


def test_bytes_of_one_character_share_a_mark():
    page, _ = render(
        "x\U0001f600y", [("x", 0, 1, -1.0), *[("b", 1, 2, -2.0)] * 3, ("y", 2, 3, -1)]
    )
    assert page.text == "x\U0001f600y"
    assert [(kind, shown) for kind, _, shown in page.marks][1] == ("s6", "\U0001f600")


@pytest.mark.parametrize("text", ["", "nothing known"])
def test_no_tokens(text):
    page, _ = render(text, [])
    assert page.text == text

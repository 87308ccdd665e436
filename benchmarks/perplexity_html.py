"""One text in colours: the less a model expected a token, the stronger its mark. One HTML file."""

from collections.abc import Sequence
from html import escape
from math import exp

from .language_models import ScoredToken
from .perplexity import ModelFacts

# Nats at which a mark is as strong as it gets: a probability of one in 22,000.
STRONGEST = 10.0
STEPS = 10
STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --ink: #1a1a1a; --soft: #595959;
  --rule: #d0d0d0; --mark: 204 68 0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15171a; --ink: #ececec; --soft: #a8a8a8; --rule: #3b3f45;
    --mark: 255 122 51; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.25rem; }
p, caption { color: var(--soft); }
.text { color: var(--ink); font-size: 1.125rem; line-height: 2; white-space: pre-wrap; }
mark { background: none; color: inherit; border-radius: .2em; padding: .15em 0; }
.unscored { text-decoration: underline dotted; }
.key span { color: var(--ink); display: inline-block; padding: 0 .5em; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .5rem 0; }
th, td { text-align: right; padding: .15rem .4rem; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; }
"""


def render_tokens(model: ModelFacts, text: str, tokens: Sequence[ScoredToken]) -> str:
    """Write a page that shows a text with a mark on each token.

    It needs no script and nothing from the network, follows the reader's choice of light or
    dark, and repeats in a table what the colours say.

    Parameters
    ----------
    model : ModelFacts
        Which scored it.
    text : str
        The text.
    tokens : sequence of ScoredToken
        Its tokens, in order.

    Returns
    -------
    str
        HTML.
    """
    scores = [token.log_probability for token in tokens if token.log_probability is not None]
    steps = "\n".join(f".s{step} {{ {_background(step)} }}" for step in range(1, STEPS + 1))
    key = "".join(f'<span class="s{s}">{s * STRONGEST / STEPS:g}</span>' for s in range(1, 11, 3))
    rows = "\n".join(_row(token) for token in tokens)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Token scores by {escape(model.name)}</title>
<style>{STYLE}{steps}
</style>
</head>
<body>
<h1>How expected each token is</h1>
<p>{escape(model.name)}, {model.kind}, method {escape(model.method)}. {len(scores)} tokens scored,
{sum(scores):.3f} nats in all. The stronger a mark, the less expected; its number shows where you
point.</p>
<p class="key">Nats of surprise: {key} and more</p>
<p class="text">{_mark_up(text, tokens)}</p>
<table>
<caption>Every token. Surprise is minus the logarithm of its probability.</caption>
<thead><tr><th scope="col">token</th><th scope="col">nats</th><th scope="col">probability</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def _background(step: int) -> str:
    # At most 0.6, so that the letters stand out from it on either page.
    return f"background: rgb(var(--mark) / {0.6 * step / STEPS:.2f});"


def _mark_up(text: str, tokens: Sequence[ScoredToken]) -> str:
    """Mark the characters of each token; what lies between stays as it is."""
    parts, done = [], 0
    for start, stop, group in _characters(tokens):
        if start < done or stop <= start:
            continue
        parts.append(escape(text[done:start]))
        parts.append(f'<mark class="{_class(group)}" title="{_title(group)}">')
        parts.append(f"{escape(text[start:stop])}</mark>")
        done = stop
    return "".join([*parts, escape(text[done:])])


def _characters(tokens: Sequence[ScoredToken]) -> list[tuple[int, int, list[ScoredToken]]]:
    """Put tokens that share a character together, as bytes of an emoji do."""
    groups: list[tuple[int, int, list[ScoredToken]]] = []
    for token in tokens:
        if groups and token.start < groups[-1][1]:
            start, stop, group = groups[-1]
            groups[-1] = (start, max(stop, token.stop), [*group, token])
        else:
            groups.append((token.start, token.stop, [token]))
    return groups


def _surprise(tokens: Sequence[ScoredToken]) -> float | None:
    scores = [token.log_probability for token in tokens if token.log_probability is not None]
    return -sum(scores) if scores else None


def _class(tokens: Sequence[ScoredToken]) -> str:
    surprise = _surprise(tokens)
    if surprise is None:
        return "unscored"
    return f"s{min(STEPS, round(surprise * STEPS / STRONGEST))}"


def _title(tokens: Sequence[ScoredToken]) -> str:
    surprise = _surprise(tokens)
    shown = " ".join(token.token for token in tokens)
    return escape(f"{shown}: {'not scored' if surprise is None else f'{surprise:.2f} nats'}")


def _row(token: ScoredToken) -> str:
    score = token.log_probability
    cells = ("-", "-") if score is None else (f"{-score:.3f}", f"{exp(score):.2g}")
    return f"<tr><td>{escape(token.token)}</td><td>{cells[0]}</td><td>{cells[1]}</td></tr>"

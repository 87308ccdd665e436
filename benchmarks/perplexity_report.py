"""What was measured as plain text tables."""

import sys
from collections.abc import Mapping, Sequence

from .language_models import AUTOREGRESSIVE
from .minimal_pairs import PairsReport
from .perplexity import ModelFacts, PerplexityReport
from .perplexity_statistics import DRAWING, choose_measures, find_too_large
from .result_records import Figure
from .tables import MISSING, format_table

# Columns, and the figures that may stand in them.
COLUMNS = {
    "nats per text": ("mean_pll_per_text", "mean_log_likelihood_per_text"),
    "per token": ("pppl_per_token", "token_perplexity", "masked_lm_perplexity"),
    "per word": ("pppl_per_word", "word_perplexity"),
    "per byte": ("byte_perplexity",),
    "bits per byte": ("pseudo_bits_per_byte", "bits_per_byte"),
    "loss (nats)": ("masked_lm_loss",),
}
# Numbers from here on are written with an exponent.
LARGE = 1e6


def format_perplexity(reports: Sequence[PerplexityReport]) -> str:
    """Write one line per model.

    Parameters
    ----------
    reports : sequence of PerplexityReport
        On the same texts, at least one.

    Returns
    -------
    str
        The table, and below it what the numbers are.
    """
    columns = [
        column
        for column, names in COLUMNS.items()
        if any(set(names) & report.figures.keys() for report in reports)
    ]
    rows = [
        [*_describe(report.model), *_sizes(report), *(_cell(report, name) for name in columns)]
        for report in reports
    ]
    header = ["model", "kind", "method", "texts", "tokens", "windows", *columns]
    data = reports[0].data
    title = f"{data.name}: 1 text\n\n"
    if len(data.texts) > 1:
        title = f"{data.name}: {len(data.texts)} texts, 95 % bootstrap intervals over texts\n\n"
    notes = [*_notes(reports), *(_how(report) for report in reports)]
    return title + format_table(header, rows) + "\n\n" + "\n".join(notes)


def format_pairs(reports: Sequence[PairsReport]) -> str:
    """Write one line per paradigm, with a column per model.

    Parameters
    ----------
    reports : sequence of PairsReport
        On the same pairs, at least one.

    Returns
    -------
    str
        The table, and below it how each model was run.
    """
    pairs = reports[0].data.pairs
    sizes = {name: sum(p.paradigm == name for p in pairs) for name in reports[0].accuracies}
    header = ["paradigm", "pairs", *(_short(report.model) for report in reports)]
    rows = [
        [
            name,
            str(sizes[name] or MISSING),
            *(_interval(r.accuracies[name], 3) for r in reports),
        ]
        for name in reports[0].accuracies
    ]
    title = f"{reports[0].data.name}: share of {len(pairs)} pairs whose good sentence is likelier"
    notes = [
        "95 % intervals: Wilson's for a paradigm, Price and Bonett's for a mean of these.",
        *(_line(report.model) for report in reports),
    ]
    return f"{title}\n\n{format_table(header, rows)}\n\n" + "\n".join(notes)


def format_texts(report: PerplexityReport) -> str:
    """Write one line per text.

    Parameters
    ----------
    report : PerplexityReport
        Of one model.

    Returns
    -------
    str
        The table.
    """
    rows = [
        [
            str(row),
            f"{score.log_likelihood:.3f}",
            str(score.tokens),
            f"{score.log_likelihood / score.tokens:.3f}" if score.tokens else MISSING,
            _shorten(text),
        ]
        for row, (text, score) in enumerate(
            zip(report.data.texts, report.scored.scores, strict=True)
        )
    ]
    return format_table(["row", "nats", "tokens", "nats per token", "text"], rows)


def _describe(model: ModelFacts) -> list[str]:
    return [model.name, model.kind, model.method]


def _sizes(report: PerplexityReport) -> list[str]:
    scores = report.scored.scores
    return [
        str(len(scores)),
        str(sum(score.tokens for score in scores)),
        str(sum(score.windows for score in scores)),
    ]


def _cell(report: PerplexityReport, column: str) -> str:
    found = [report.figures[name] for name in COLUMNS[column] if name in report.figures]
    return _interval(found[0], 4) if found else MISSING


def _interval(interval: Figure, digits: int) -> str:
    if interval.low is None or interval.high is None:
        return _number(interval.value, digits)
    low, high = _number(interval.low, digits), _number(interval.high, digits)
    return f"{_number(interval.value, digits)} [{low}, {high}]"


def _number(value: float, digits: int) -> str:
    size = abs(value)
    if size >= LARGE:
        return f"{value:.4g}"
    return f"{value:.{digits}f}" if size < 1000 else f"{value:.1f}"  # noqa: PLR2004 - wide


def _notes(reports: Sequence[PerplexityReport]) -> list[str]:
    kinds = {report.model.kind for report in reports}
    notes = []
    if len(kinds) > 1:
        notes.append(
            "A masked model sees the text on both sides of what it guesses, an autoregressive one "
            "only what stands before: compare numbers within one kind."
        )
    if kinds != {AUTOREGRESSIVE}:
        notes.append(
            "Masked: pseudo-perplexities; per token compares models of one tokenizer only."
        )
    if any(report.model.method == DRAWING for report in reports):
        notes.append("mlm-loss: of the drawn tokens only.")
    notes += [_tell_too_large(report) for report in reports if _too_large(report)]
    return notes


def _too_large(report: PerplexityReport) -> tuple[str, ...]:
    measures = choose_measures(report.model.kind, report.model.method)
    return find_too_large(report.scored.scores, measures)


def _tell_too_large(report: PerplexityReport) -> str:
    names = ", ".join(_too_large(report))
    return f"{report.model.name}: {names} left out, above {sys.float_info.max:.1e}."


def _how(report: PerplexityReport) -> str:
    seconds = f", {report.scored.seconds:.1f} s" if report.scored.seconds else ", scored before"
    return _line(report.model) + seconds


def _line(model: ModelFacts) -> str:
    used: Mapping[str, object] = model.used
    settings = ", ".join(f"{name} {value}" for name, value in used.items())
    return f"{model.name}: {settings}, fingerprint {model.fingerprint[:12]}"


def _short(model: ModelFacts) -> str:
    return f"{model.name.rstrip('/').rpartition('/')[2]} ({model.method})"


def _shorten(text: str, width: int = 50) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else f"{flat[: width - 3]}..."

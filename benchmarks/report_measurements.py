"""The sections of a report on perplexity and bias, from the files of these measurements."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .holm import holm
from .report_content import Cell, Picture, Section, Table, interval, number, words
from .report_plots import Bar, draw_intervals
from .result_records import Measurement, ModelResults
from .tables import MISSING

WEAT, CROWS_PAIRS, PAIRS = "weat", "crows-pairs", "pairs"
Labelled = tuple[str, Measurement]


def measurement_sections(labels: Sequence[str], models: Sequence[ModelResults]) -> list[Section]:
    """Write the sections on perplexity and bias.

    Parameters
    ----------
    labels : sequence of str of length n_models
        What the models are called.
    models : sequence of ModelResults of length n_models
        With their measurements.

    Returns
    -------
    list of Section
        Those for which there is something to show.
    """
    together = list(zip(labels, models, strict=True))
    perplexity = [(label, one) for label, model in together for one in model.perplexity]
    bias = [(label, one) for label, model in together for one in model.bias]
    sections = []
    if perplexity:
        sections.append(_perplexity_section(perplexity))
    if bias:
        sections.append(_bias_section(bias))
    return sections


def _perplexity_section(found: Sequence[Labelled]) -> Section:
    texts = [(label, one) for label, one in found if one.kind != PAIRS]
    tables = [_figure_table(texts)] if texts else []
    pairs = [(label, one) for label, one in found if one.kind == PAIRS]
    tables += [
        _model_table(
            f"pairs-{row}",
            f"{title}: share of minimal pairs whose good sentence is likelier, with its 95 % "
            f"interval.",
            group,
            "{:.3f}",
        )
        for row, (title, group) in enumerate(_group(pairs).items())
    ]
    sentences = (
        "How well the models guess texts. Pseudo-perplexities of masked models cannot be compared "
        "with perplexities of autoregressive ones; those per token not between vocabularies.",
    )
    return Section("perplexity", "Perplexity", sentences, (), tuple(tables))


def _figure_table(found: Iterable[Labelled]) -> Table:
    rows = tuple(
        (
            words(label),
            words(one.data_name),
            words(one.content.get("method")),
            words(_how(one)),
            words(name.replace("_", " ")),
            number(figure.value),
            interval(figure.low, figure.high),
        )
        for label, one in found
        for name, figure in one.figures.items()
    )
    header = ("model", "texts", "method", "how", "figure", "value", "95 % interval")
    return Table("perplexities", "Figures over all texts, with bootstrap intervals.", header, rows)


def _bias_section(found: Sequence[Labelled]) -> Section:
    tests = [(label, one) for label, one in found if one.kind == WEAT]
    pairs = [(label, one) for label, one in found if one.kind == CROWS_PAIRS]
    tables, pictures = [], []
    if tests:
        tables.append(_association_table(tests))
        pictures += _effect_pictures(tests)
    for row, (title, group) in enumerate(_group(pairs).items()):
        caption = (
            f"{title}: percent of pairs whose more stereotypical sentence is likelier, with "
            f"Wilson's 95 % interval; 50 without such bias."
        )
        tables.append(_model_table(f"crows-{row}", caption, group, "{:.1f}"))
        pictures += _stereotype_pictures(f"crows-{row}", group)
    sentences = (
        "Association tests compare which attributes two groups' texts lie closer to. A test that "
        "finds nothing does not show that there is no bias.",
    )
    return Section("bias", "Bias", sentences, tuple(pictures), tuple(tables))


def _association_table(found: Sequence[Labelled]) -> Table:
    rows = []
    for label in dict.fromkeys(label for label, _ in found):
        own = [one for name, one in found if name == label]
        p_values = [_value(one, "p_value") for one in own]
        known = [p for p in p_values if p is not None]
        adjusted = iter(holm(known))
        for one, p_value in zip(own, p_values, strict=True):
            rows.append(
                (
                    words(label),
                    words(one.data_name),
                    words(_categories(one.content, "targets")),
                    words(_categories(one.content, "attributes")),
                    number(_value(one, "effect_size"), "{:+.3f}"),
                    number(p_value, "{:.3g}"),
                    number(None if p_value is None else next(adjusted), "{:.3g}"),
                )
            )
    header = ("model", "test", "targets", "attributes", "d", "p", "p (Holm)")
    caption = (
        "Effect size d in standard deviations, and how probable so large a one is by chance "
        "(one-sided permutation test); Holm's p-values are over the tests of a model."
    )
    return Table("associations", caption, header, tuple(rows))


def _effect_pictures(found: Sequence[Labelled]) -> list[Picture]:
    pictures = []
    for row, label in enumerate(dict.fromkeys(label for label, _ in found)):
        bars = [
            Bar(
                f"{one.data_name}, {_categories(one.content, 'targets')}",
                value,
                shown=f"{value:+.3f}",
            )
            for name, one in found
            if name == label and (value := _value(one, "effect_size")) is not None
        ]
        if bars:
            title = f"Effect sizes of {label}"
            pictures.append(draw_intervals(f"effects-{row}", title, bars, reference=0))
    return pictures


def _stereotype_pictures(name: str, found: Sequence[Labelled]) -> list[Picture]:
    return [
        draw_intervals(
            f"{name}-picture-{row}",
            f"Stereotypes in {label}, percent",
            [
                Bar(group, figure.value, figure.low, figure.high, f"{figure.value:.1f}")
                for group, figure in one.figures.items()
            ],
            reference=50,
        )
        for row, (label, one) in enumerate(found)
        if one.figures
    ]


def _model_table(name: str, caption: str, found: Sequence[Labelled], shown: str) -> Table:
    """Put figures below and models beside each other."""
    names = list(dict.fromkeys(figure for _, one in found for figure in one.figures))
    rows = tuple(
        (words(figure), *(_figure(one, figure, shown) for _, one in found)) for figure in names
    )
    return Table(name, caption, ("", *(label for label, _ in found)), rows)


def _figure(one: Measurement, name: str, shown: str) -> Cell:
    figure = one.figures.get(name)
    if figure is None:
        return Cell(MISSING)
    text = shown.format(figure.value)
    if figure.low is not None and figure.high is not None:
        text += f" ({shown.format(figure.low)}..{shown.format(figure.high)})"
    return Cell(text, figure.value)


def _group(found: Iterable[Labelled]) -> dict[str, list[Labelled]]:
    groups: dict[str, list[Labelled]] = {}
    for label, one in found:
        title = ", ".join(filter(None, [one.data_name, one.content.get("method")]))
        members = groups.setdefault(title, [])
        # The same model in other settings stands beside itself.
        taken = [name for name, _ in members]
        members.append((f"{label} ({one.name})" if label in taken else label, one))
    return groups


def _value(one: Measurement, name: str) -> float | None:
    figure = one.figures.get(name)
    return None if figure is None else figure.value


def _how(one: Measurement) -> str:
    """Say what tells two measurements of the same texts apart."""
    parts = [] if one.n_texts is None else [f"{one.n_texts} texts"]
    parts += [str(one.settings["precision"])] if "precision" in one.settings else []
    parts += [
        f"{name} {one.settings[name]}"
        for name in ("max_length", "stride")
        if one.settings.get(name) is not None
    ]
    return ", ".join(parts)


def _categories(content: Mapping[str, Any], which: str) -> str:
    data = content.get("data")
    found = data.get(which) if isinstance(data, dict) else None
    return "/".join(map(str, found)) if isinstance(found, dict) else ""

"""Lots of about ten seconds, and what is kept when one is stopped in the middle."""

import json

import numpy as np
import pytest

from benchmarks import scoring_lots
from benchmarks.errors import RunStoppedError, ScoringStoppedError
from benchmarks.first_text import FirstTextKept
from benchmarks.language_models import open_language_model
from benchmarks.perplexity import run_perplexity
from benchmarks.perplexity_progress import ScoringBar
from benchmarks.perplexity_settings import PerplexitySettings
from benchmarks.perplexity_texts import TextCollection
from benchmarks.scoring_lots import LARGEST_GROWTH, SECONDS_PER_LOT, cut_lots
from tests.pseudo_likelihood.models import write_family

# Of 3 to 80 tokens, so that there are several batches of masked copies.
TEXTS = tuple(f"the cat sat on a mat {'we read ' * n}" for n in (3, 37, 0, 36, 1, 35, 34))


def work(costs, rate):
    """Give each lot and its seconds at so much cost per second."""
    now, lots = [0.0], []
    for lot in cut_lots(costs, lambda: now[0]):
        seconds = sum(costs[place] for place in lot) / rate
        now[0] += seconds
        lots.append((lot, seconds))
    return lots


@pytest.mark.parametrize("rate", [1e2, 1e4, 1e7])
def test_a_lot_takes_ten_seconds_or_is_a_single_text(rate):
    costs = np.random.default_rng(0).lognormal(7, 2, 500).tolist()
    lots = work(costs, rate)
    assert [place for lot, _ in lots for place in lot] == list(range(500))
    assert len(lots[0][0]) == 1
    assert all(seconds <= SECONDS_PER_LOT + 1e-6 or len(lot) == 1 for lot, seconds in lots)
    assert len(work(costs, 1e7)) < 20


def test_long_texts_after_short_ones_are_not_put_together():
    """As many texts as went into ten seconds before would take hours here."""
    lots = work([1.0] * 2000 + [1e5] * 10, 100.0)
    assert [len(lot) for lot, _ in lots[-10:]] == [1] * 10
    lengths = [len(lot) for lot, _ in lots[:-10]]
    assert lengths[:4] == [1, LARGEST_GROWTH, LARGEST_GROWTH**2, LARGEST_GROWTH**3]


def test_texts_without_a_token_are_no_reason_to_wait():
    assert [len(lot) for lot, _ in work([0, 0, 0, 5, 5, 0], 1.0)] == [3, 1, 2]
    assert not work([], 1.0)


@pytest.fixture(scope="module", params=["masked", "autoregressive"])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "masked":
        write_family("bert", folder)
        return str(folder)
    return write_gpt2(folder)


def write_gpt2(folder):
    import transformers

    from tests.pseudo_likelihood.models import make_tokenizer

    config = transformers.GPT2Config(
        vocab_size=60, n_positions=64, n_embd=32, n_layer=1, n_head=4, bos_token_id=2
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    make_tokenizer().save(str(folder / "tokenizer.json"))
    fields = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "[CLS]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(fields))
    return str(folder)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr("benchmarks.autoregressive.LOGITS_AT_ONCE", 1)


def interrupt_at(place):
    def advance(share):
        if share >= place:
            raise KeyboardInterrupt

    return advance


def test_costs_grow_with_what_is_read(model):
    loaded = open_language_model(model, PerplexitySettings(device="cpu"))
    costs = loaded.costs([*TEXTS, ""])
    assert costs[-1] == 0
    lengths = [score.tokens for score in loaded.score(TEXTS, lambda _: None)]
    assert (np.diff(np.array(costs[:-1])[np.argsort(lengths)]) >= 0).all()
    if loaded.kind == "masked":
        assert costs[0] == lengths[0] * (lengths[0] + 2)


@pytest.mark.parametrize("wrap", [lambda model: model, lambda m: FirstTextKept(m, TEXTS[3])])
def test_a_model_that_is_stopped_gives_what_is_finished(model, small_batches, wrap):
    loaded = open_language_model(model, PerplexitySettings(device="cpu"))
    whole = loaded.score(TEXTS, lambda _: None)
    with pytest.raises(ScoringStoppedError) as stopped:
        wrap(loaded).score(TEXTS, interrupt_at(0.5))
    found = stopped.value.scores
    assert 0 < len(found) < len(TEXTS)
    for row, score in found.items():
        assert score.log_likelihood == pytest.approx(whole[row].log_likelihood, abs=1e-4)
        assert score.tokens == whole[row].tokens


def test_what_is_finished_of_a_lot_is_kept(model, small_batches, tmp_path, monkeypatch):
    """All texts but the first are one lot, which is stopped in the middle."""
    monkeypatch.setattr(scoring_lots, "LARGEST_GROWTH", 1e9)
    data = TextCollection("mine", TEXTS)
    begun = []

    def stop(bar, share):
        begun.append(share)
        if len(begun) > 1 and share >= 0.5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ScoringBar, "advance", stop)
        with pytest.raises(RunStoppedError, match="the same command goes on"):
            run_perplexity([model], data, PerplexitySettings(device="cpu"), results=tmp_path)
    (parts,) = tmp_path.rglob("*.parts.jsonl")
    rows = [json.loads(line)["row"] for line in parts.read_text().splitlines()[1:]]
    assert 1 < len(rows) < len(TEXTS)
    settings = PerplexitySettings(device="cpu")
    (report,), _ = run_perplexity([model], data, settings, results=tmp_path)
    (whole,), _ = run_perplexity([model], data, settings)
    for name, figure in whole.figures.items():
        assert report.figures[name].value == pytest.approx(figure.value, rel=1e-5)


def test_one_text_can_be_kept(model):
    loaded = open_language_model(model, PerplexitySettings(device="cpu"))
    (score,) = FirstTextKept(loaded, TEXTS[0]).score(TEXTS[:1], lambda _: None)
    assert score == loaded.score(TEXTS[:1], lambda _: None)[0]

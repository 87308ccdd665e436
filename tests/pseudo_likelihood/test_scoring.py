"""Scores by hand, and of every family against transformers, one copy at a time."""

import math

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from skencoder.errors import DeviceMemoryError
from skencoder.pseudo_likelihood import (
    METHODS,
    PseudoLikelihood,
    ScoringOptions,
    count_bytes,
    count_words,
)
from skencoder.pseudo_likelihood import scoring as scoring_module
from tests.checkpoints.families import CASES
from tests.pseudo_likelihood.models import TEXTS, score_plainly, write_family, write_known

WORD_METHODS = ("pll", "pll-word-l2r", "whole-word")


def load(folder):
    return PseudoLikelihood.load(folder, device="cpu")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    probabilities = {"the": 1 / 2, "cat": 1 / 4, "[UNK]": 1 / 8, ".": 1 / 16}
    return load(write_known(tmp_path_factory.mktemp("known"), probabilities))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    return write_family("bert", folder), load(folder), folder


def test_by_hand(known):
    """Bits: 1 for "the", 2 for "cat", 3 for an unknown word, 4 for the full stop."""
    texts = ["The cat.", "the Gnu", ""]
    scores = known.score(texts)
    bits = -scores.log_probabilities / math.log(2)
    np.testing.assert_allclose(bits, [1, 2, 4, 1, 3], rtol=1e-6)
    np.testing.assert_allclose(scores.sums, [-7 * math.log(2), -4 * math.log(2), 0], rtol=1e-6)
    assert scores.counts.tolist() == [3, 2, 0]
    assert count_words(texts).tolist() == [2, 2, 0]
    assert count_bytes(texts).tolist() == [8, 7, 0]
    # 11 bits for 5 tokens, 4 words and 15 bytes.
    total = -scores.sums.sum()
    assert math.exp(total / scores.counts.sum()) == pytest.approx(2 ** (11 / 5), rel=1e-6)
    assert math.exp(total / count_words(texts).sum()) == pytest.approx(2 ** (11 / 4), rel=1e-6)
    assert total / (math.log(2) * count_bytes(texts).sum()) == pytest.approx(11 / 15, rel=1e-6)


def test_special_tokens_are_never_scored(known):
    scores = known.score(["[CLS] the [MASK] cat [SEP]"])
    np.testing.assert_array_equal(scores.scored, [False, True, False, True, False])
    assert scores.counts.tolist() == [2]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::skencoder.errors.CheckpointWarning")
@pytest.mark.parametrize("case", CASES)
def test_every_family_agrees_with_transformers(case, tmp_path):
    theirs, ours = write_family(case, tmp_path), load(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for method in WORD_METHODS:
        expected = [s for text in TEXTS for s in score_plainly(theirs, tokenizer, text, method)]
        found = ours.score(TEXTS, ScoringOptions(method=method)).log_probabilities
        np.testing.assert_array_equal(np.isnan(found), [s is None for s in expected])
        np.testing.assert_allclose(found, np.array(expected, float), atol=1e-4, rtol=0)
        assert np.nanstd(found) > 0.1


@pytest.mark.parity
def test_the_masked_lm_loss_is_transformers_loss_of_the_drawn_tokens(bert):
    theirs, ours, _ = bert
    options = ScoringOptions(method="mlm-loss", mask_probability=0.3, seed=3)
    text = "The unbelievable tokenizations sat on a doggy mat, longing."
    scores = ours.score([text], options)
    ids = scores.texts.tokens.input_ids
    assert scores.scored.sum() == round(0.3 * len(ids))
    shown, labels = np.array([2, *ids, 3]), np.full(len(ids) + 2, -100)
    labels[1:-1][scores.scored] = ids[scores.scored]
    shown[1:-1][scores.scored] = ours.model.mask_id
    with torch.no_grad():
        loss = theirs(
            torch.from_numpy(shown)[None], labels=torch.from_numpy(labels)[None]
        ).loss.item()
    assert -scores.sums[0] / scores.counts[0] == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_order_batches_and_copies_change_nothing(bert, method):
    _, ours, _ = bert
    whole = ours.score(TEXTS, ScoringOptions(method=method))
    order = [3, 6, 0, 2, 5, 1, 4, 2]
    again = ours.score([TEXTS[row] for row in order], ScoringOptions(method=method))
    np.testing.assert_allclose(again.sums, whole.sums[order], atol=1e-5)
    assert again.counts.tolist() == whole.counts[order].tolist()
    for batch_tokens in (1, 33):
        small = ours.score(TEXTS, ScoringOptions(method=method, batch_tokens=batch_tokens))
        np.testing.assert_allclose(small.log_probabilities, whole.log_probabilities, atol=1e-5)
    alone = [ours.score([text], ScoringOptions(method=method)).sums[0] for text in TEXTS]
    np.testing.assert_allclose(alone, whole.sums, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_long_text_is_read_in_windows_and_nothing_is_dropped(bert, method):
    _, ours, _ = bert
    text = " ".join(TEXTS[:3] * 9)
    options = ScoringOptions(method=method, max_length=22, stride=7)
    scores = ours.score([text, TEXTS[1]], options)
    assert scores.n_windows[0] > 10
    assert scores.n_windows[1] == 1
    drawn = round(0.15 * len(scores.texts.words[scores.rows == 0]))
    expected = drawn if method == "mlm-loss" else scores.texts.tokens.lengths[0]
    assert scores.counts[0] == expected


@pytest.mark.parity
def test_a_window_s_scores_are_those_of_its_text(bert):
    """Tokens 5 and further of ten, windows of six by four, are scored as in the last six alone."""
    theirs, ours, folder = bert
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    words = "the cat sat on a mat we read the world".split()
    scores = ours.score([" ".join(words)], ScoringOptions(max_length=8, stride=4))
    assert scores.n_windows.tolist() == [2]
    first = score_plainly(theirs, tokenizer, " ".join(words[:6]))
    last = score_plainly(theirs, tokenizer, " ".join(words[4:]))
    np.testing.assert_allclose(scores.log_probabilities, [*first[:5], *last[1:]], atol=1e-4)


def test_the_head_is_applied_at_masked_positions_only_a_few_at_a_time(bert, monkeypatch):
    _, ours, _ = bert
    expected = ours.score(TEXTS).sums
    rows = []
    hook = ours.model.head.register_forward_hook(lambda _, args, __: rows.append(len(args[0])))
    monkeypatch.setattr(scoring_module, "LOGITS_AT_ONCE", 5 * 160)
    try:
        scores = ours.score(TEXTS)
    finally:
        hook.remove()
    # Equal texts are scored once.
    assert sum(rows) == ours.score(list(dict.fromkeys(TEXTS))).counts.sum()
    assert max(rows) <= 5
    np.testing.assert_allclose(scores.sums, expected, atol=1e-5)


def test_batches_are_halved_where_memory_runs_out(bert, monkeypatch):
    _, ours, _ = bert
    expected = ours.score(TEXTS).log_probabilities
    forward, sizes = ours.model.encoder.forward_packed, []

    def small(input_ids, boundaries, places):
        sizes.append(len(input_ids))
        if len(input_ids) > 45:
            raise torch.OutOfMemoryError("none left")
        return forward(input_ids, boundaries, places=places)

    fresh = PseudoLikelihood(ours.model)
    monkeypatch.setattr(ours.model.encoder, "forward_packed", small)
    found = fresh.score(TEXTS).log_probabilities
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # The size is remembered: nothing is too large a second time.
    before = len(sizes)
    fresh.score(TEXTS)
    assert max(sizes[before:]) <= 45


def test_a_window_that_does_not_fit_alone(bert, monkeypatch):
    def none(input_ids, boundaries, places):
        raise RuntimeError("not enough memory: you tried to allocate 9 bytes")

    ours = PseudoLikelihood(bert[1].model)
    monkeypatch.setattr(ours.model.encoder, "forward_packed", none)
    with pytest.raises(DeviceMemoryError, match="A window of 4 tokens .* lower max_length"):
        ours.score(["the cat"])


class Heard:
    """Hears of so many tokens, and interrupts after that."""

    total = done = 0

    def __init__(self, most=math.inf):
        self.most = most

    def start(self, total):
        self.total = total

    def advance(self, number):
        self.done += number
        if self.done >= self.most:
            raise KeyboardInterrupt


@pytest.mark.parametrize("method", METHODS)
def test_progress_counts_the_tokens_of_all_copies(bert, method):
    _, ours, _ = bert
    heard = Heard()
    ours.score(TEXTS, ScoringOptions(method=method, batch_tokens=40), progress=heard)
    assert heard.done == heard.total > 0


def test_progress_by_hand(bert):
    """Four copies of four tokens between two special ones."""
    heard = Heard()
    bert[1].score(["I am Sam."], progress=heard)
    assert heard.total == 24


@pytest.mark.parametrize("method", METHODS)
def test_what_is_finished_before_a_stop_is_there(bert, method):
    """The longest texts come first, so the text that is named last here is finished last."""
    _, ours, _ = bert
    options = ScoringOptions(method=method, batch_tokens=1)
    texts = [*sorted(TEXTS, key=len, reverse=True), TEXTS[0], "the"]
    run = ours.prepare(texts, options)
    heard = Heard(most=run.costs[0])
    with pytest.raises(KeyboardInterrupt):
        run.finish(heard)
    whole = ours.score(texts, options)
    finished = run.finished
    assert finished[0]
    assert not finished[-1]
    assert finished[texts.index("")]
    assert run.costs[texts.index("")] == 0
    assert sum(run.costs[texts.index(text)] for text in set(texts)) == heard.total
    np.testing.assert_allclose(run.scores.sums[finished], whole.sums[finished], atol=1e-6)
    assert run.scores.counts[finished].tolist() == whole.counts[finished].tolist()
    run.finish()
    assert run.finished.all()
    np.testing.assert_allclose(run.scores.sums, whole.sums, atol=1e-6)


def test_the_two_word_methods_agree_on_words_of_one_piece(bert):
    _, ours, _ = bert
    text = ["The cat sat on a mat."]
    found = [ours.score(text, ScoringOptions(method=method)).sums[0] for method in WORD_METHODS]
    np.testing.assert_allclose(found, found[0], atol=1e-6)

"""Each parameter of an objective reaches the loss, the batches or the masks that it names."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from skencoder.encoding_options import EncodingOptions
from skencoder.objectives import (
    Distillation,
    MaskedLanguageModeling,
    Matryoshka,
    PairRanking,
    SimCSE,
    SimilarityRegression,
    SupervisedContrastive,
    Training,
)
from skencoder.training import Lesson, losses, text_source
from tests.training.corpora import docstrings

TEXTS = [text[:60] for text in docstrings()[:8]]
ANSWERS, WRONG = [text[::-1] for text in TEXTS], [text.upper() + "!" for text in TEXTS]
LABELS = np.array([0, 0, 1, 1, 2, 2, 0, 1])
SCORES = np.linspace(0, 1, 8)
SCORED = [*zip(ANSWERS, SCORES.tolist(), strict=True)]
ROWS = np.arange(8)


@pytest.fixture
def make_task(small_folder):
    """From an objective to its task on the small model."""

    def make_task(objective, y=None, texts=TEXTS):
        parts = objective.open_model(str(small_folder), 0)
        source = text_source(parts, EncodingOptions(overflow="truncate"))
        return objective.make_task(Lesson(list(texts), y, parts, source, str(small_folder), 0))

    return make_task


def draw(sides, n_rows=8):
    vectors = torch.randn(sides, n_rows, 32, generator=torch.Generator().manual_seed(0))
    return vectors.double()


CASES = {
    "simcse": (
        lambda t: SimCSE(temperature=t),
        None,
        2,
        lambda v, t: losses.ranking_loss(v[0], v[1], temperature=t),
    ),
    "pairs": (
        lambda t: PairRanking(temperature=t),
        ANSWERS,
        2,
        lambda v, t: losses.ranking_loss(v[0], v[1], temperature=t),
    ),
    "pairs-symmetric": (
        lambda t: PairRanking(temperature=t, symmetric=True),
        ANSWERS,
        2,
        lambda v, t: losses.ranking_loss(v[0], v[1], temperature=t, symmetric=True),
    ),
    "negatives": (
        lambda t: PairRanking(temperature=t),
        [*zip(ANSWERS, WRONG, strict=True)],
        3,
        lambda v, t: losses.ranking_loss(v[0], torch.cat([v[1], v[2]]), temperature=t),
    ),
    "labels": (
        lambda t: SupervisedContrastive(temperature=t),
        LABELS,
        1,
        lambda v, t: losses.supervised_contrastive_loss(
            v[0], torch.from_numpy(LABELS), temperature=t
        ),
    ),
    "cosent": (
        lambda t: SimilarityRegression(scale=1 / t),
        SCORED,
        2,
        lambda v, t: losses.cosent_loss(v[0], v[1], torch.from_numpy(SCORES), scale=1 / t),
    ),
    "angle": (
        lambda t: SimilarityRegression(loss="angle", scale=1 / t),
        SCORED,
        2,
        lambda v, t: losses.angle_loss(v[0], v[1], torch.from_numpy(SCORES), scale=1 / t),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", [0.05, 0.3])
def test_the_loss_is_the_one_asked_for(make_task, case, temperature):
    make, y, sides, expect = CASES[case]
    vectors = draw(sides)
    found = make_task(make(temperature), y).loss(vectors, ROWS)
    assert found.item() == pytest.approx(expect(vectors, temperature).item(), rel=1e-6)
    assert found.item() != pytest.approx(expect(vectors, 2 * temperature).item(), rel=1e-5)


def test_no_two_cases_are_the_same_loss():
    vectors = draw(3)
    values = [
        expect(vectors, 0.1).item() for name, (*_, expect) in CASES.items() if name != "pairs"
    ]
    assert all(one != pytest.approx(other, rel=1e-3) for one, other in pairwise(sorted(values)))


def test_equal_texts_are_no_negatives(make_task):
    texts = [TEXTS[0], TEXTS[0], *TEXTS[2:]]
    vectors = draw(2)
    found = make_task(SimCSE(temperature=0.1), texts=texts).loss(vectors, ROWS)
    first, second = (normalize(side, dim=1) for side in vectors)
    logits = first @ second.T / 0.1
    logits[0, 1] = logits[1, 0] = -torch.inf
    expected = -logits.log_softmax(dim=1).diagonal().mean()
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    # Equal answers to two questions likewise.
    answers = [ANSWERS[0], ANSWERS[0], *ANSWERS[2:]]
    found = make_task(PairRanking(temperature=0.1), answers).loss(vectors, ROWS)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_matryoshka_is_the_mean_over_widths(make_task):
    vectors = draw(2)
    inner = make_task(SimCSE(temperature=0.1)).loss
    found = make_task(Matryoshka(SimCSE(temperature=0.1), dims=(16, 4))).loss(vectors, ROWS)
    expected = np.mean([inner(vectors[..., :dim], ROWS).item() for dim in (32, 16, 4)])
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("texts_per_class", [2, 4])
def test_texts_of_a_class_follow_each_other(make_task, texts_per_class):
    labels = np.repeat([0, 1], 4)
    task = make_task(SupervisedContrastive(texts_per_class=texts_per_class), labels)
    runs = set()
    for seed in range(20):
        (batch,) = task.batches(ROWS, 8, np.random.default_rng(seed))
        borders = np.flatnonzero(np.diff(labels[batch])) + 1
        runs |= {len(run) for run in np.split(batch, borders)}
    assert min(runs) == texts_per_class


def test_a_student_learns_directions(make_task):
    task = make_task(Distillation(num_hidden_layers=1))
    vectors = draw(1)
    short, long = (task.loss(scale * vectors, ROWS).item() for scale in (0.1, 10.0))
    assert short == pytest.approx(long, rel=1e-6)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_a_student_of_similarities(make_task, temperature):
    vectors = draw(1)
    task = make_task(
        Distillation(num_hidden_layers=1, loss="similarities", temperature=temperature)
    )
    others = make_task(Distillation(num_hidden_layers=1, loss="similarities", temperature=0.2))
    assert task.loss(vectors, ROWS).item() != pytest.approx(
        others.loss(vectors, ROWS).item(), rel=1e-3
    )


def test_masks_are_as_many_as_asked_for(make_task):
    texts = docstrings()[:300]
    for probability in (0.15, 0.6):
        task = make_task(MaskedLanguageModeling(mask_probability=probability), texts=texts)
        masked = task._mask(task.rows, np.random.default_rng(0))
        share = len(masked.places) / task.rows.maskable.sum()
        assert share == pytest.approx(probability, rel=0.05)


@pytest.mark.parametrize("whole_word", [True, False])
def test_words_are_masked_whole_where_that_is_asked_for(make_task, whole_word):
    task = make_task(MaskedLanguageModeling(whole_word=whole_word), texts=docstrings()[:50])
    masked = task._mask(task.rows, np.random.default_rng(0))
    is_masked = np.zeros(len(task.rows.words), bool)
    is_masked[masked.places] = True
    words = task.rows.words[task.rows.maskable]
    _, number, sizes = np.unique(words, return_inverse=True, return_counts=True)
    shares = np.bincount(number, is_masked[task.rows.maskable]) / sizes
    assert np.isin(shares, [0, 1]).all() == whole_word


def test_adapters_have_a_rate_of_their_own():
    defaults = SimCSE.DEFAULTS
    plain, adapted = (Training(lora_rank=rank).options(defaults, 100) for rank in (None, 4))
    assert (plain.learning_rate, adapted.learning_rate) == (
        defaults.learning_rate,
        defaults.adapter_rate,
    )
    assert defaults.learning_rate != defaults.adapter_rate

"""Losses: worked by hand, against finite differences, against another library, at extremes."""

import math
from functools import cache
from itertools import permutations

import pytest
import torch
from torch import nn

from skencoder.errors import ParameterError, SkencoderError, TrainingError
from skencoder.training.losses import (
    angle_loss,
    cosent_loss,
    masked_token_loss,
    ranking_loss,
    similarity_matrix_loss,
    supervised_contrastive_loss,
    vector_loss,
)

LABELS = torch.tensor([0, 1, 0, 2, 1, 0])
SCORES = torch.tensor([0.9, 0.1, 0.5, 0.5, -1.0, 3.0])
TARGETS = torch.tensor([3, 0, 0, 2, 1, 4])
IGNORED = torch.zeros(6, 6, dtype=torch.bool)
IGNORED[0, 2] = IGNORED[2, 0] = IGNORED[4, 4] = True


@cache
def on(device, name):
    """The rest of a loss's arguments, copied to a device once."""
    rest = {"labels": LABELS, "scores": SCORES, "targets": TARGETS, "ignored": IGNORED}
    return rest[name].to(device)


# Each takes two matrices of six rows, of which those of one use the first.
LOSSES = {
    "ranking": ranking_loss,
    "ranking, ignored": lambda a, b: ranking_loss(a, b, ignored=on(a.device, "ignored")),
    "ranking, symmetric": lambda a, b: ranking_loss(a[:4], b, temperature=0.2, symmetric=True),
    "supervised": lambda a, b: supervised_contrastive_loss(a, on(a.device, "labels")),
    "cosent": lambda a, b: cosent_loss(a, b, on(a.device, "scores")),
    "angle": lambda a, b: angle_loss(a, b, on(a.device, "scores")),
    "vectors": vector_loss,
    "similarities": lambda a, b: similarity_matrix_loss(a, b[:, :3], temperature=0.3),
    "tokens": lambda a, b: masked_token_loss(a, on(a.device, "targets")),
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
# Those that look at directions alone.
DIRECTIONS = {name: loss for name, loss in LOSSES.items() if name not in ("vectors", "tokens")}
every_direction = pytest.mark.parametrize("loss", DIRECTIONS.values(), ids=DIRECTIONS)


def draw(rows=6, width=5, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, width, generator=generator, dtype=dtype)


def pair(dtype=torch.float64, width=5):
    first, second = draw(width=width, dtype=dtype), draw(width=width, seed=1, dtype=dtype)
    return first.requires_grad_(), second.requires_grad_()


def at_angles(*degrees):
    radians = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def cos(degrees):
    return math.cos(math.radians(degrees))


def log_sum(*values):
    return math.log(sum(map(math.exp, values)))


# Worked by hand.


def test_ranking_by_hand():
    anchors, candidates = at_angles(0, 90), at_angles(60, 90, 180)
    scores = [[cos(60) / 0.5, 0.0, -2.0], [cos(30) / 0.5, 2.0, 0.0]]
    expected = (log_sum(*scores[0]) - scores[0][0] + log_sum(*scores[1]) - scores[1][1]) / 2
    assert ranking_loss(anchors, candidates, temperature=0.5).item() == pytest.approx(expected)


def test_ranking_the_other_way_asks_the_positives_only():
    anchors, candidates = at_angles(0, 90), at_angles(60, 90, 180)
    forth = ranking_loss(anchors, candidates, temperature=0.5)
    back = ranking_loss(candidates[:2], anchors, temperature=0.5)
    both = ranking_loss(anchors, candidates, temperature=0.5, symmetric=True)
    assert both.item() == pytest.approx((forth + back).item() / 2)


def test_an_ignored_candidate_is_as_if_it_were_not_there():
    anchors, candidates = draw(4), draw(9, seed=1)
    ignored = torch.zeros(4, 9, dtype=torch.bool)
    ignored[:, 6] = True
    rest = torch.arange(9) != 6
    found = ranking_loss(anchors, candidates, ignored=ignored)
    assert found.item() == pytest.approx(ranking_loss(anchors, candidates[rest]).item())


def test_an_anchor_s_own_candidate_is_never_ignored():
    anchors, candidates = draw(3), draw(3, seed=1)
    everything = torch.ones(3, 3, dtype=torch.bool)
    for symmetric in (False, True):
        found = ranking_loss(anchors, candidates, ignored=everything, symmetric=symmetric)
        assert found.item() == pytest.approx(0, abs=1e-12)


def test_supervised_contrast_by_hand():
    # Texts 0, 1, 2 are of one class, 3 is alone in its own.
    embeddings = at_angles(0, 60, 90, 180)
    angle = [0, 60, 90, 180]
    expected = []
    for text in range(3):
        scores = {o: cos(angle[text] - angle[o]) / 0.5 for o in range(4) if o != text}
        logs = [scores[o] - log_sum(*scores.values()) for o in range(3) if o != text]
        expected.append(-sum(logs) / 2)
    found = supervised_contrastive_loss(embeddings, torch.tensor([7, 7, 7, 2]), temperature=0.5)
    assert found.item() == pytest.approx(sum(expected) / 3)


def test_supervised_contrast_of_pairs_is_ranking_among_all_others():
    """With two texts per class it is the NT-Xent loss: one positive, all others negatives."""
    views = draw(8)
    expected = []
    for text in range(8):
        others = [other for other in range(8) if other not in (text, text ^ 1)]
        candidates = views[[text ^ 1, *others]]
        expected.append(ranking_loss(views[[text]], candidates, temperature=0.2))
    found = supervised_contrastive_loss(views, torch.arange(8) // 2, temperature=0.2)
    assert found.item() == pytest.approx(torch.stack(expected).mean().item())


def test_without_a_pair_of_one_class_nothing_is_learnt():
    embeddings = draw().requires_grad_()
    loss = supervised_contrastive_loss(embeddings, torch.arange(6))
    loss.backward()
    assert loss.item() == 0
    assert not embeddings.grad.any()


def test_cosent_by_hand():
    first, second = at_angles(0, 0, 0), at_angles(60, 90, 30)
    # Score order: pair 1 above pairs 0 and 2, which are equal.
    excess = [2 * (cos(60) - cos(90)), 2 * (cos(30) - cos(90))]
    found = cosent_loss(first, second, torch.tensor([1, 4, 1]), scale=2)
    assert found.item() == pytest.approx(log_sum(0, *excess))


def test_angle_by_hand():
    # z / w is a complex number of length 1 whose angle is the difference: |cos + sin|.
    first, second = at_angles(50, 100, 0), at_angles(20, 10, 80)
    similarity = [abs(cos(d) + math.sin(math.radians(d))) for d in (30, 90, -80)]
    excess = [2 * (similarity[j] - similarity[i]) for i, j in ((0, 1), (0, 2), (1, 2))]
    found = angle_loss(first, second, torch.tensor([3.0, 2.0, 1.0]), scale=2)
    assert found.item() == pytest.approx(log_sum(0, *excess))


def test_angle_is_the_quotient_of_complex_vectors():
    first, second = draw(2, 6), draw(2, 6, seed=1)
    z, w = torch.complex(*first.chunk(2, dim=1)), torch.complex(*second.chunk(2, dim=1))
    quotient = (z * w.conj()).sum(dim=1) / (first.norm(dim=1) * second.norm(dim=1))
    similarity = (quotient.real + quotient.imag).abs()
    found = angle_loss(first, second, torch.tensor([1.0, 0.0]))
    assert found.item() == pytest.approx(log_sum(0, 20 * (similarity[1] - similarity[0]).item()))


@pytest.mark.parametrize("loss", [cosent_loss, angle_loss])
def test_only_the_order_of_scores_counts(loss):
    first, second = pair()
    scores = torch.tensor([0.1, 0.7, 0.2, 0.9, 0.3, 0.0])
    by_rank = scores.argsort().argsort()
    assert loss(first, second, scores).item() == loss(first, second, by_rank).item()
    assert loss(first, second, torch.ones(6)).item() == 0


def test_vector_loss_by_hand():
    student, teacher = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 4.0], [0, 0]])
    assert vector_loss(student, teacher).item() == pytest.approx((1 + 4) / 4)


def test_similarity_matrix_by_hand():
    student, teacher = at_angles(0, 90, 180), at_angles(0, 60, 90)
    expected = 0
    for text in range(3):
        others = [o for o in range(3) if o != text]
        wanted = [cos(t) for t in ((0, 60, 90)[text] - (0, 60, 90)[o] for o in others)]
        found = [cos(t) for t in ((0, 90, 180)[text] - (0, 90, 180)[o] for o in others)]
        for p, q in zip(wanted, found, strict=True):
            log_p, log_q = p - log_sum(*wanted), q - log_sum(*found)
            expected += math.exp(log_p) * (log_p - log_q) / 3
    found = similarity_matrix_loss(student, teacher, temperature=1.0)
    assert found.item() == pytest.approx(expected)


def test_a_turned_and_stretched_teacher_has_the_same_neighbours():
    teacher = draw()
    turn, _ = torch.linalg.qr(draw(8, 5, seed=2))
    loss = similarity_matrix_loss(3 * teacher @ turn.T, teacher, temperature=0.1)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert similarity_matrix_loss(draw(seed=1), teacher, temperature=0.1).item() > 0.1


def test_masked_tokens_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0], [math.log(9.0), 0.0]])
    found = masked_token_loss(logits, torch.tensor([0, 1, 0]))
    assert found.item() == pytest.approx(math.log(4) + math.log(2) + math.log(10 / 9))


def test_masked_tokens_of_micro_batches_add_up():
    logits, targets = draw(7, 11), torch.arange(7)
    parts = masked_token_loss(logits[:3], targets[:3]) + masked_token_loss(logits[3:], targets[3:])
    assert parts.item() == pytest.approx(masked_token_loss(logits, targets).item())
    assert masked_token_loss(logits[:0], targets[:0]).item() == 0


# Gradients.


@every_loss
@pytest.mark.parametrize("width", [5, 6])
def test_gradients_are_those_of_finite_differences(loss, width):
    assert torch.autograd.gradcheck(loss, pair(width=width), eps=1e-6, atol=1e-6)


@every_loss
def test_a_step_downhill_makes_the_loss_smaller(loss):
    first, second = pair()
    before = loss(first, second)
    (slope,) = torch.autograd.grad(before, first)
    assert slope.norm() > 0
    assert loss(first - 1e-4 * slope / slope.norm(), second) < before


# What changes nothing.


@every_loss
def test_half_precision_is_widened_before_anything_is_computed(loss):
    first, second = (side.detach().bfloat16() for side in pair())
    expected = loss(first.float(), second.float())
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(first, second)
    assert found.dtype == torch.float32
    assert found.item() == expected.item()
    exact = loss(first.double(), second.double())
    assert exact.dtype == torch.float64
    assert found.item() == pytest.approx(exact.item(), rel=1e-5)


@every_direction
def test_lengths_do_not_count(loss):
    first, second = pair()
    lengths = torch.logspace(-8, 8, 6, dtype=torch.float64)[:, None]
    stretched = loss(first * lengths, second * lengths.flip(0))
    assert stretched.item() == pytest.approx(loss(first, second).item())


def test_the_order_of_rows_does_not_count():
    first, second = pair()
    candidates = torch.cat([second, draw(3, seed=2)])
    ignored = draw(6, 9, seed=3) > 1
    expected = [
        ranking_loss(first, candidates, ignored=ignored, symmetric=True),
        supervised_contrastive_loss(first, LABELS),
        cosent_loss(first, second, SCORES),
        angle_loss(first, second, SCORES),
        vector_loss(first, second),
        similarity_matrix_loss(first, second[:, :3]),
        masked_token_loss(first, TARGETS),
    ]
    for order in list(permutations(range(6)))[100::200]:
        rows = torch.tensor(order)
        columns = torch.cat([rows, torch.tensor([8, 6, 7])])
        found = [
            ranking_loss(
                first[rows], candidates[columns], ignored=ignored[rows][:, columns], symmetric=True
            ),
            supervised_contrastive_loss(first[rows], LABELS[rows]),
            cosent_loss(first[rows], second[rows], SCORES[rows]),
            angle_loss(first[rows], second[rows], SCORES[rows]),
            vector_loss(first[rows], second[rows]),
            similarity_matrix_loss(first[rows], second[rows, :3]),
            masked_token_loss(first[rows], TARGETS[rows]),
        ]
        torch.testing.assert_close(found, expected)


# Extremes.


def identical(dtype):
    return torch.ones(6, 6, dtype=dtype), torch.ones(6, 6, dtype=dtype)


def zero(dtype):
    return torch.zeros(6, 6, dtype=dtype), torch.zeros(6, 6, dtype=dtype)


def some_zero(dtype):
    first, second = draw(width=6, dtype=dtype), draw(width=6, seed=1, dtype=dtype)
    first[0] = second[3] = 0
    return first, second


def opposite(dtype):
    first = draw(width=6, dtype=dtype)
    return first, -first


@every_loss
@pytest.mark.parametrize("texts", [identical, zero, some_zero, opposite])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extremes_give_finite_losses_and_gradients(loss, texts, dtype):
    first, second = (side.requires_grad_() for side in texts(dtype))
    value = loss(first, second)
    value.backward()
    assert value.isfinite()
    for side in (first, second):
        # A gradient that is finite but enormous would throw the model away all the same.
        assert side.grad is None or side.grad.abs().max() < 1e3


def test_one_text_alone():
    text, other = draw(1).requires_grad_(), draw(1, seed=1).requires_grad_()
    alone = [
        ranking_loss(text, other),
        ranking_loss(text, other, symmetric=True),
        supervised_contrastive_loss(text, torch.tensor([1])),
        cosent_loss(text, other, torch.tensor([1.0])),
        angle_loss(text, other, torch.tensor([1.0])),
        similarity_matrix_loss(text, other),
    ]
    assert [loss.item() for loss in alone] == pytest.approx([0] * len(alone), abs=1e-12)
    gradients = torch.autograd.grad(torch.stack(alone).sum(), (text, other), allow_unused=True)
    torch.testing.assert_close(gradients, (torch.zeros(1, 5).double(),) * 2)


def test_a_vector_that_is_not_a_number_is_not_hidden():
    for name, loss in LOSSES.items():
        first, second = pair()
        broken = first.detach().clone()
        broken[1, 1] = torch.nan
        assert loss(broken, second).isnan(), name


# Refusals.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ranking_loss(draw(3), draw(2)),
            r"candidates .* at least their 3 rows; .*\(2, 5\)",
        ),
        (lambda: ranking_loss(draw(3), draw(3, 4)), r"5 features of the anchors .* \(3, 4\)"),
        (lambda: ranking_loss(draw(0), draw(3)), r"anchors must have .* one row; got \(0, 5\)"),
        (lambda: ranking_loss(draw(3)[0], draw(3)), r"anchors must have .* got \(5,\)"),
        (
            lambda: ranking_loss(draw(3), draw(4), ignored=torch.ones(3, 3, dtype=torch.bool)),
            r"ignored must have the shape \(3, 4\).* got \(3, 3\)",
        ),
        (
            lambda: supervised_contrastive_loss(draw(3), LABELS),
            r"labels must have the shape \(3,\).* got \(6,\)",
        ),
        (lambda: cosent_loss(draw(6), draw(5), SCORES), r"second must have the shape \(6, 5\)"),
        (
            lambda: angle_loss(draw(6), draw(6), SCORES[:, None]),
            r"scores must have the shape \(6,\).* got \(6, 1\)",
        ),
        (lambda: vector_loss(draw(6), draw(6, 4)), r"teacher must have .* \(6, 5\).* \(6, 4\)"),
        (lambda: similarity_matrix_loss(draw(3), draw(4)), "got 3 and 4 rows"),
        (lambda: masked_token_loss(draw(3), TARGETS), r"targets .* \(3,\).* got \(6,\)"),
        (lambda: masked_token_loss(draw(3)[0], TARGETS), r"logits .* got \(5,\)"),
    ],
)
def test_wrong_shapes_are_named(call, message):
    with pytest.raises(TrainingError, match=message):
        call()
    assert issubclass(TrainingError, (SkencoderError, ValueError))


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, math.inf])
def test_temperatures_and_scales_are_positive(wrong):
    first, second = pair()
    for call in (
        lambda: ranking_loss(first, second, temperature=wrong),
        lambda: supervised_contrastive_loss(first, LABELS, temperature=wrong),
        lambda: similarity_matrix_loss(first, second, temperature=wrong),
        lambda: cosent_loss(first, second, SCORES, scale=wrong),
        lambda: angle_loss(first, second, SCORES, scale=wrong),
    ):
        with pytest.raises(ParameterError, match=r"(temperature|scale) must be a finite number"):
            call()


# Another library's.


class Given(nn.Module):
    """A model for sentence-transformers that hands on the embeddings it gets."""

    def forward(self, features):
        return features


def given(*columns):
    return [{"sentence_embedding": column} for column in columns]


def same_gradients(found, expected, inputs):
    assert found.item() == pytest.approx(expected.item(), rel=1e-10)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs), torch.autograd.grad(expected, inputs)
    )


@pytest.fixture(scope="module")
def peer():
    return pytest.importorskip("sentence_transformers.sentence_transformer.losses")


@pytest.mark.parity
def test_ranking_as_in_sentence_transformers(peer):
    first, second = pair()
    negatives = draw(seed=2).requires_grad_()
    expected = peer.MultipleNegativesRankingLoss(Given())(given(first, second, negatives), None)
    found = ranking_loss(first, torch.cat([second, negatives]))
    same_gradients(found, expected, (first, second, negatives))


@pytest.mark.parity
def test_symmetric_ranking_as_in_sentence_transformers(peer):
    first, second = pair()
    theirs = peer.MultipleNegativesRankingLoss(
        Given(), directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction"
    )
    same_gradients(
        ranking_loss(first, second, symmetric=True),
        theirs(given(first, second), None),
        (first, second),
    )


@pytest.mark.parity
@pytest.mark.parametrize("width", [5, 6])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(cosent_loss, "CoSENTLoss"), (angle_loss, "AnglELoss")]
)
def test_scored_pairs_as_in_sentence_transformers(peer, ours, theirs, width):
    first, second = pair(width=width)
    expected = getattr(peer, theirs)(Given())(given(first, second), SCORES)
    same_gradients(ours(first, second, SCORES), expected, (first, second))


@pytest.mark.parity
def test_vector_loss_as_in_sentence_transformers(peer):
    student, teacher = pair()
    expected = peer.MSELoss(Given())(given(student), teacher.detach())
    same_gradients(vector_loss(student, teacher), expected, (student,))


# On a GPU.


@pytest.fixture
def no_waiting():
    """Turns each wait for the GPU into an error, from when it is called."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    yield lambda: torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@every_loss
def test_losses_on_a_gpu_do_not_wait_for_it(loss, no_waiting):
    first, second = (side.detach().cuda().requires_grad_() for side in pair())
    loss(first, second)
    no_waiting()
    found = loss(first, second)
    found.backward()
    torch.cuda.set_sync_debug_mode("default")
    assert found.item() == pytest.approx(loss(*pair()).item())

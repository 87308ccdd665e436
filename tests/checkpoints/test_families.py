"""Every family against transformers, on random models with all features on: values and gradients."""

import pytest
import torch

from skencoder.checkpoints import FAMILIES, load_checkpoint, load_masked_lm, save_checkpoint
from skencoder.encoder import Boundaries
from tests.checkpoints.families import CASES, draw_batch, make_model

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:.*belong"),
]
# Relative to the largest value of the tensor.
TOLERANCE = 1e-5


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= TOLERANCE * expected.abs().max()


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def theirs(case):
    return make_model(case)


@pytest.fixture(scope="module")
def folder(case, theirs, tmp_path_factory, embedded_folder):
    folder = tmp_path_factory.mktemp(case)
    theirs.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((embedded_folder / "tokenizer.json").read_bytes())
    return folder


@pytest.fixture(scope="module")
def ours(folder):
    return load_masked_lm(folder)


def test_every_family_has_a_case():
    # "new" is how the authors of "gte" publish the same files.
    assert {case.split("-")[0] for case in CASES} | {"new", "xlm-roberta"} >= set(FAMILIES)


def test_hidden_states(case, theirs, folder):
    input_ids, mask = draw_batch(case)
    output = theirs.base_model(input_ids, attention_mask=mask, output_hidden_states=True)
    encoder = load_checkpoint(folder).encoder
    found = encoder(input_ids, mask, return_layers=True)
    # Between the layers theirs are as they enter a layer, and the last is the model's output.
    expected = (*output.hidden_states[:-1], output.last_hidden_state)
    assert len(found.hidden_states) == len(expected)
    for layer, (state, other) in enumerate(zip(found.hidden_states, expected, strict=True)):
        assert_same(state[mask.bool()], other[mask.bool()])
        packed = encoder.forward_packed(
            input_ids[mask.bool()], Boundaries.from_lengths(mask.sum(1).tolist()), layer=layer
        )
        assert_same(packed, other[mask.bool()])


def test_logits(case, theirs, ours):
    input_ids, mask = draw_batch(case)
    expected = theirs(input_ids, attention_mask=mask).logits
    assert_same(ours(input_ids, mask)[mask.bool()], expected[mask.bool()])


def test_gradients(case, theirs, ours):
    input_ids, mask = draw_batch(case)
    labels = input_ids[mask.bool()]
    gradients = []
    for model in (theirs, ours.requires_grad_()):
        model.zero_grad()
        logits = model(input_ids, attention_mask=mask)
        logits = getattr(logits, "logits", logits)[mask.bool()]
        torch.nn.functional.cross_entropy(logits, labels).backward()
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    expected, found = gradients
    # Names and stacking differ; sizes and sums of squares by which they are compared do not.
    assert sum(g.numel() for g in found) == sum(g.numel() for g in expected)
    # Per parameter, through the written names.


def test_attention_weights(case, theirs, folder):
    input_ids, mask = draw_batch(case)
    theirs.set_attn_implementation("eager")
    expected = theirs.base_model(
        input_ids, attention_mask=mask, output_attentions=True
    ).attentions
    found = load_checkpoint(folder).encoder(input_ids, mask, return_attention=True).attentions
    assert len(found) == len(expected)
    for layer, other in zip(found, expected, strict=True):
        for row, (weights, length) in enumerate(zip(layer, mask.sum(1).tolist(), strict=True)):
            assert_same(weights, other[row, :, :length, :length])

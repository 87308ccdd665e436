"""Every family against transformers, on random models with all features on."""

import copy
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from skencoder.checkpoints import FAMILIES, load_checkpoint, load_masked_lm, save_checkpoint
from skencoder.encoder import Boundaries
from tests.checkpoints.families import CASES, draw_batch, make_model

pytestmark = pytest.mark.parity
# Relative to the largest value of the tensor.
TOLERANCE = 1e-5


# Alone, or stacked with those of queries and values.
KEY_BIASES = ("key.bias", "k_lin.bias", "attn.k.bias", "k_proj.bias")
KEY_BIASES += ("Wqkv.bias", "qkv_proj.bias")


def assert_same(found, expected, floor=0.0):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= TOLERANCE * max(expected.abs().max().item(), floor)


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
    written = {make_model(case).config.model_type for case in CASES}
    # "new" is how the authors of "gte" publish the same files.
    assert written | {"new"} == set(FAMILIES)


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
        places = torch.tensor([3, 3, 40, len(packed) - 1])
        some = encoder.forward_packed(
            input_ids[mask.bool()],
            Boundaries.from_lengths(mask.sum(1).tolist()),
            layer=layer,
            places=places,
        )
        assert_same(some, packed[places])


def test_segments(case, theirs, folder):
    config = load_checkpoint(folder).encoder.config
    if config.type_vocab_size < 2:
        pytest.skip("this model has no second segment")
    input_ids, mask = draw_batch(case)
    types = input_ids % config.type_vocab_size
    expected = theirs.base_model(input_ids, attention_mask=mask, token_type_ids=types)
    found = load_checkpoint(folder).encoder(input_ids, mask, types)
    assert_same(found[mask.bool()], expected.last_hidden_state[mask.bool()])


def test_long_texts(case, theirs, folder):
    reach = load_checkpoint(folder).encoder.config.max_position_embeddings
    input_ids, mask = draw_batch(case, lengths=(min(reach, 300), 5))
    expected = theirs.base_model(input_ids, attention_mask=mask).last_hidden_state
    assert_same(
        load_checkpoint(folder).encoder(input_ids, mask)[mask.bool()], expected[mask.bool()]
    )


def test_logits(case, theirs, ours):
    input_ids, mask = draw_batch(case)
    expected = theirs(input_ids, attention_mask=mask).logits
    assert_same(ours(input_ids, mask)[mask.bool()], expected[mask.bool()])


def test_gradients(case, theirs, folder, tmp_path):
    """Each library writes its gradients in place of its weights; the files hold the same."""
    input_ids, mask = draw_batch(case)
    model_type = json.loads((folder / "config.json").read_text())["model_type"]
    theirs, ours = copy.deepcopy(theirs), load_masked_lm(folder).requires_grad_()
    for model in (theirs, ours):
        logits = model(input_ids, attention_mask=mask)
        logits = getattr(logits, "logits", logits)[mask.bool()]
        torch.nn.functional.cross_entropy(logits, input_ids[mask.bool()]).backward()
        for parameter in model.parameters():
            parameter.data = (
                torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            )
    theirs.save_pretrained(tmp_path / "theirs")
    save_checkpoint(tmp_path / "ours", ours, tokenizer_folder=folder, model_type=model_type)
    expected = load_file(tmp_path / "theirs" / "model.safetensors")
    found = load_file(tmp_path / "ours" / "model.safetensors")
    if not theirs.config.tie_word_embeddings:
        # Untied, theirs keeps a bias that it does not use beside the one that it does.
        expected = {
            name: t for name, t in expected.items() if not name.endswith("predictions.bias")
        }
        found.pop("cls.predictions.bias", None)
    assert found.keys() == expected.keys()
    largest = max(gradient.abs().max().item() for gradient in expected.values())
    for name, gradient in expected.items():
        # A key's bias moves all scores of a row alike: its gradient is 0, but for rounding.
        of_keys = name.endswith(KEY_BIASES)
        assert_same(found[name], gradient, floor=0.1 * largest if of_keys else 0.0)


@pytest.mark.parametrize("source", ["its own folder", "a tokenizer alone"])
def test_what_we_write_transformers_reads(case, theirs, folder, ours, tmp_path, source):
    from transformers import AutoModelForMaskedLM

    input_ids, mask = draw_batch(case)
    tokenizer = folder
    if source == "a tokenizer alone":
        # Which family it was is then not known; any that computes the same will do.
        tokenizer = tmp_path / "tokenizer"
        tokenizer.mkdir()
        shutil.copy(folder / "tokenizer.json", tokenizer)
    written = tmp_path / "with head"
    # The vocabulary is smaller than the tokenizer's, whose padding is 0.
    save_checkpoint(written, ours, tokenizer_folder=tokenizer)
    again, info = AutoModelForMaskedLM.from_pretrained(written, output_loading_info=True)
    if source == "its own folder":
        assert type(again) is type(theirs)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    expected = theirs(input_ids, attention_mask=mask).logits[mask.bool()]
    assert_same(again.eval()(input_ids, attention_mask=mask).logits[mask.bool()], expected)
    assert_same(load_masked_lm(written)(input_ids, mask)[mask.bool()], expected)


def test_an_encoder_alone_too(case, theirs, folder, tmp_path):
    from transformers import AutoModel

    input_ids, mask = draw_batch(case)
    checkpoint = load_checkpoint(folder)
    save_checkpoint(
        tmp_path / "alone",
        checkpoint.encoder,
        tokenizer_folder=folder,
        settings=checkpoint.settings,
        model_type=checkpoint.model_type,
    )
    again, info = AutoModel.from_pretrained(tmp_path / "alone", output_loading_info=True)
    assert type(again) is type(theirs.base_model)
    assert not [key for key in info["missing_keys"] if not key.startswith("pooler.")]
    assert not info["unexpected_keys"]
    expected = theirs.base_model(input_ids, attention_mask=mask).last_hidden_state
    found = again.eval()(input_ids, attention_mask=mask).last_hidden_state
    assert_same(found[mask.bool()], expected[mask.bool()])
    assert load_checkpoint(tmp_path / "alone").encoder.config == checkpoint.encoder.config


def test_attention_weights(case, theirs, folder):
    input_ids, mask = draw_batch(case)
    theirs.set_attn_implementation("eager")
    expected = theirs.base_model(input_ids, attention_mask=mask, output_attentions=True).attentions
    found = load_checkpoint(folder).encoder(input_ids, mask, return_attention=True).attentions
    assert len(found) == len(expected)
    for layer, other in zip(found, expected, strict=True):
        for row, (weights, length) in enumerate(zip(layer, mask.sum(1).tolist(), strict=True)):
            assert_same(weights, other[row, :, :length, :length])

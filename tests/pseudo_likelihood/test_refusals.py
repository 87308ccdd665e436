"""What cannot be scored, and the sentence that says why."""

import json
import shutil

import pytest
import torch

from skencoder import PseudoPerplexityScorer
from skencoder.errors import (
    CheckpointError,
    MaskingError,
    NonFiniteScoreError,
    ParameterError,
    TextInputError,
)
from skencoder.pseudo_likelihood import PseudoLikelihood, ScoringOptions
from tests.pseudo_likelihood.models import make_tokenizer, write_family, write_overflowing


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    write_family("bert", folder)
    return folder


@pytest.fixture
def copied(bert, tmp_path):
    return shutil.copytree(bert, tmp_path / "bert")


def edit(path, **fields):
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(content | fields))


@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "tiny_bert"])
def test_no_head_is_made_up(model, request):
    if model == "tiny_bert":
        model = request.getfixturevalue(model)
    with pytest.raises(CheckpointError, match="has no masked-language-model head .*random weig"):
        PseudoLikelihood.load(model)


def test_part_of_a_head_is_damage_and_told_as_such(copied):
    from safetensors.torch import load_file, save_file

    path = copied / "model.safetensors"
    tensors = load_file(path)
    del tensors["cls.predictions.transform.dense.bias"]
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"missing: cls\.predictions\.transform\.dense\.bia"):
        PseudoLikelihood.load(copied)


def test_an_ordinary_token_is_no_mask(copied):
    """Scored all the same, "the" would be certain wherever it stands."""
    edit(copied / "tokenizer_config.json", mask_token="the")
    model = PseudoLikelihood.load(copied)
    assert model.score(["I am Sam."]).counts.tolist() == [4]
    with pytest.raises(MaskingError, match="1 of 2 tokens .*mask_token in its tokenizer_config"):
        model.score(["the cat"], ScoringOptions(batch_tokens=1000))


def test_a_mask_token_that_is_not_there(copied):
    edit(copied / "special_tokens_map.json", mask_token={"content": "<blank>"})
    with pytest.raises(CheckpointError, match="mask_token='<blank>', which the tokenizer .* not"):
        PseudoLikelihood.load(copied)


def test_no_mask_token_at_all(copied):
    tokenizer = json.loads(make_tokenizer().to_str().replace("[MASK]", "[BLANK]"))
    (copied / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(CheckpointError, match=r"has no mask token \(looked for \[MASK\], <mask>"):
        PseudoLikelihood.load(copied)


def test_a_mask_the_model_has_no_vector_for(copied):
    edit(copied / "config.json", mask_token_id=160)
    with pytest.raises(CheckpointError, match="id 160, but config.json has vocab_size=160"):
        PseudoLikelihood.load(copied)


def test_a_static_model(tmp_path, embedded_folder):
    from skencoder.checkpoints import load_checkpoint, save_checkpoint
    from skencoder.encoder import StaticEncoder

    table = load_checkpoint("all-MiniLM-L6-v2").encoder.embeddings.token.weight[:, :8]
    static = StaticEncoder(table.clone())
    folder = save_checkpoint(tmp_path / "static", static, tokenizer_folder=embedded_folder)
    with pytest.raises(CheckpointError, match="static model, .* no masked-language-model head"):
        PseudoLikelihood.load(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "perplexity"}, "method must be 'pll', 'pll-word-l2r', 'whole-word' or 'mlm-"),
        ({"max_length": 2}, "max_length=2 must lie between 3 and 90"),
        ({"max_length": 91}, "max_length=91 must lie between 3 and 90"),
        ({"max_length": 12, "stride": 11}, "stride=11 is above the 10 tokens"),
        ({"stride": 0}, "stride must be an integer of at least 1 or None; got 0"),
        ({"stride": 2.5}, "stride must be an integer"),
        ({"max_length": True}, "max_length must be an integer"),
        ({"batch_tokens": 0}, "batch_tokens must be an integer of at least 1 or 'auto'; got 0"),
        ({"seed": -1}, "seed must be an integer of at least 0; got -1"),
        ({"mask_probability": 0}, "mask_probability must be a number above 0, at most 1; got 0"),
        ({"mask_probability": float("nan")}, "mask_probability must be a number above 0"),
    ],
)
def test_options(bert, options, message):
    with pytest.raises(ParameterError, match=message):
        PseudoLikelihood.load(bert).score(["a cat"], ScoringOptions(**options))


@pytest.mark.parametrize("device", [["cpu", "cpu"], "cpu,cpu", None])
def test_one_device(bert, device):
    with pytest.raises(ParameterError, match="device must"):
        PseudoLikelihood.load(bert, device=device)


@pytest.mark.parametrize("texts", [[], "a cat", ["a", None], ["half \ud800"]])
def test_texts(bert, texts):
    with pytest.raises(TextInputError):
        PseudoLikelihood.load(bert).score(texts)


@pytest.mark.parametrize("method", ["pll", "pll-word-l2r", "whole-word", "mlm-loss"])
def test_a_score_that_is_not_finite(tmp_path, method):
    """NaN is how a token that is not scored is marked; it must not pass for one."""
    model = PseudoLikelihood.load(write_overflowing(tmp_path, "world"))
    options = ScoringOptions(method=method, mask_probability=0.2)
    assert model.score(["I am Sam."], options).sums[0] < 0
    told = (
        r"overflowing in float32 gives a token of 'hello world world, i am' a log-.* nan; a finite"
    )
    with pytest.raises(NonFiniteScoreError, match=told):
        model.score(["I am Sam.", "hello world world, i am", "the cat"], options)


@pytest.mark.gpu
def test_numbers_beyond_float16(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("float16 needs a GPU")
    folder = write_overflowing(tmp_path, "world", 1e5)
    finite = PseudoPerplexityScorer(folder).fit().score_samples(["hello world"])
    assert finite[0] < 0
    scorer = PseudoPerplexityScorer(folder, precision="float16").fit()
    with pytest.raises(NonFiniteScoreError, match="in float16 .*beyond this precision.* float32"):
        scorer.score_samples(["hello world"])

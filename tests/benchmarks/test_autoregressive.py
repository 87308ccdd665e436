"""Autoregressive models: the harness's windows, and scores against a direct computation."""

import json
import math

import pytest
import torch

from benchmarks.autoregressive import AutoregressiveModel, roll
from benchmarks.language_models import open_language_model
from benchmarks.perplexity import run_perplexity
from benchmarks.perplexity_report import format_perplexity
from benchmarks.perplexity_settings import PerplexitySettings
from benchmarks.perplexity_texts import TextCollection
from skencoder.errors import CheckpointError, DeviceError, ParameterError
from tests.pseudo_likelihood.models import make_tokenizer, write_known

TEXTS = ["the cat sat on a mat", "hello world!", "", "we don't read the unbelievable dogs. " * 3]


def tell(tokens, limit):
    """Each window as what is read and what is guessed; P is the beginning token."""
    shown = []
    for window in roll(len(tokens), limit):
        seen = tokens[window.start - window.context : window.stop - 1] if window.start else "P"
        seen += "" if window.start else tokens[: window.stop - 1]
        shown.append((seen, tokens[window.start : window.stop]))
    return shown


def test_windows_by_hand():
    """As ``get_rolling_token_windows(..., max_seq_len=3, context_len=1)`` lays them."""
    assert tell("01234567", 3) == [("P01", "012"), ("234", "345"), ("456", "67")]
    assert tell("012", 3) == [("P01", "012")]
    assert tell("0123", 3) == [("P01", "012"), ("012", "3")]
    assert tell("", 3) == []


@pytest.mark.parametrize("length", range(12))
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_each_token_is_guessed_once_from_no_more_than_fits(length, limit):
    windows = roll(length, limit)
    guessed = [t for w in windows for t in range(w.start, w.stop)]
    assert guessed == list(range(length))
    assert all(w.context + w.stop - w.start - 1 <= limit for w in windows if w.start)
    assert all(w.context >= 1 for w in windows if w.start)


def write(folder, name):
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": 60, "bos_token_id": 2, "eos_token_id": 3}
    if name == "gpt2":
        config = transformers.GPT2Config(n_positions=12, n_embd=32, n_layer=2, n_head=4, **sizes)
        model = transformers.GPT2LMHeadModel(config)
    else:
        config = transformers.LlamaConfig(
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=12,
            **sizes,
        )
        model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.eval().save_pretrained(folder)
    write_tokenizer(folder)
    return model


def write_tokenizer(folder):
    make_tokenizer().save(str(folder / "tokenizer.json"))
    fields = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "[CLS]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(fields | {"eos_token": "[SEP]"}))


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return write(folder, request.param), str(folder)


def score_plainly(model, ids, limit):
    """One token at a time, from the same tokens the harness's windows show."""
    found = []
    for window in roll(len(ids), limit):
        for place in range(window.start, window.stop):
            first = window.start - window.context
            seen = ids[first:place] if window.start else [2, *ids[:place]]
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([seen])).logits[0, -1]
            found.append(logits.log_softmax(-1)[ids[place]].item())
    return found


@pytest.mark.parity
def test_scores_are_those_of_a_direct_computation(model):
    theirs, folder = model
    ours = open_language_model(folder, PerplexitySettings(device="cpu"))
    assert ours.kind == "autoregressive"
    assert ours.used["max_length"] == 12
    found = ours.score(TEXTS, lambda _: None)
    tokenizer = make_tokenizer()
    for text, score in zip(TEXTS, found, strict=True):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        expected = score_plainly(theirs, ids, 12)
        assert score.tokens == len(ids)
        assert score.log_likelihood == pytest.approx(sum(expected), abs=1e-4)
        read = ours.read(text, lambda _: None)
        assert read.score.windows == score.windows
        assert read.score.log_likelihood == pytest.approx(score.log_likelihood, abs=1e-4)
        found_of_tokens = [token.log_probability for token in read.tokens]
        assert found_of_tokens == pytest.approx(expected, abs=1e-4)
    assert found[3].windows > 1


def test_batches_change_nothing(model, monkeypatch):
    ours = AutoregressiveModel(model[1], PerplexitySettings(device="cpu", max_length=5))
    expected = [score.log_likelihood for score in ours.score(TEXTS, lambda _: None)]
    monkeypatch.setattr("benchmarks.autoregressive.LOGITS_AT_ONCE", 1)
    shares = []
    found = [score.log_likelihood for score in ours.score(TEXTS[::-1], shares.append)]
    assert found[::-1] == pytest.approx(expected, abs=1e-4)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_both_kinds_stand_in_one_table(model, tmp_path):
    known = str(write_known(tmp_path, {"the": 1 / 2}))
    data = TextCollection("mine", ("the cat sat", "on the mat"))
    reports, failures = run_perplexity(
        [known, model[1]], data, PerplexitySettings(device="cpu"), results=tmp_path / "r"
    )
    assert not failures
    shown = format_perplexity(reports)
    assert "masked" in shown
    assert "autoregressive  left-to-right" in shown
    assert "compare numbers within one kind" in shown
    figures = reports[1].figures
    total = -sum(score.log_likelihood for score in reports[1].scored.scores)
    assert figures["word_perplexity"].value == pytest.approx(math.exp(total / 6))
    assert figures["byte_perplexity"].value == pytest.approx(math.exp(total / 21))
    assert figures["bits_per_byte"].value == pytest.approx(total / 21 / math.log(2))
    assert len(list((tmp_path / "r").rglob("*.json"))) == 2


@pytest.mark.parametrize("value", [float("nan"), 3e38])
def test_scores_that_are_not_finite_are_refused_and_not_kept(tmp_path, value):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "gpt2"
    write(folder, "gpt2")
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["transformer.h.0.mlp.c_fc.weight"][0] = value
    save_file(tensors, path, {"format": "pt"})
    data = TextCollection("mine", ("the cat sat", "on the mat"))
    reports, failures = run_perplexity([str(folder)], data, results=tmp_path / "r")
    assert not reports
    (reason,) = failures.values()
    assert "gpt2 in float32 gives a token of 'the cat sat' a log-probability of nan" in reason
    assert not list((tmp_path / "r").rglob("*.json*"))


def test_missing_weights_are_not_drawn_at_random(tmp_path):
    from safetensors.torch import load_file, save_file

    write(tmp_path, "gpt2")
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    save_file({k: v for k, v in tensors.items() if "h.1." not in k}, path, {"format": "pt"})
    with pytest.raises(CheckpointError, match="lacks weights, which transformers would draw at"):
        AutoregressiveModel(str(tmp_path), PerplexitySettings())


def test_what_cannot_be_used(model, tmp_path):
    with pytest.raises(DeviceError, match="precision='int8' is not to be had"):
        AutoregressiveModel(model[1], PerplexitySettings(precision="int8"))
    with pytest.raises(ParameterError, match="device must .* got 'banana'"):
        AutoregressiveModel(model[1], PerplexitySettings(device="banana"))
    with pytest.raises(DeviceError, match="device='cuda:99' is not there"):
        AutoregressiveModel(model[1], PerplexitySettings(device="cuda:99"))
    write(tmp_path, "gpt2")
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"})
    )
    with pytest.raises(CheckpointError, match="neither a bos_token nor an eos_token"):
        AutoregressiveModel(str(tmp_path), PerplexitySettings())


def test_no_more_is_read_at_once_than_there_are_positions(model):
    with pytest.raises(ParameterError, match="max_length=13: .* reads 12 tokens at most"):
        AutoregressiveModel(model[1], PerplexitySettings(max_length=13))
    assert AutoregressiveModel(model[1], PerplexitySettings(max_length=7)).used["max_length"] == 7


def test_a_configuration_without_a_limit_asks_for_one(tmp_path):
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": 60, "bos_token_id": 2, "eos_token_id": 3}
    # Its positions are slopes, which have no end.
    config = transformers.BloomConfig(hidden_size=32, n_layer=1, n_head=4, **sizes)
    transformers.BloomForCausalLM(config).save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    with pytest.raises(ParameterError, match="does not say how many tokens.*--max-length"):
        AutoregressiveModel(str(tmp_path), PerplexitySettings())
    ours = AutoregressiveModel(str(tmp_path), PerplexitySettings(max_length=9))
    assert ours.used["max_length"] == 9


def test_other_names_of_a_limit_are_read(tmp_path):
    import transformers

    sizes = {"vocab_size": 60, "bos_token_id": 2, "eos_token_id": 3}
    config = transformers.MptConfig(d_model=32, n_layers=1, n_heads=4, max_seq_len=11, **sizes)
    transformers.MptForCausalLM(config).save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    assert AutoregressiveModel(str(tmp_path), PerplexitySettings()).used["max_length"] == 11

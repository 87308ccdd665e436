"""Texts to vectors: the same text, the same vector, however it comes."""

import json
import pickle
import shutil
import threading
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skencoder import EncodingOptions, TextEncoder
from skencoder.devices import available_devices, multiplies_bfloat16
from skencoder.encoder import POOLINGS
from skencoder.encoding_options import POOLING_CHOICES
from skencoder.errors import (
    CheckpointError,
    CheckpointWarning,
    DeviceError,
    OverlongTextError,
    OverlongTextWarning,
    ParameterError,
    TextInputError,
)
from tests.checkpoints.test_checkpoint import edit_json, edit_weights, write_sentence_files
from tests.conftest import HOSTILE_TEXTS

TOLERANCE = {"float32": 1e-6, "bfloat16": 2e-2}
CUT = EncodingOptions(overflow="truncate")


@pytest.fixture(scope="module")
def texts(docs):
    return [*HOSTILE_TEXTS, *docs.data[:60]]


@pytest.fixture(scope="module", params=TOLERANCE)
def encoder(request):
    return TextEncoder.load(precision=request.param, device="cpu")


def test_vectors_do_not_depend_on_company_or_order(encoder, texts):
    together = encoder.encode(texts, CUT).vectors
    reversed_ = encoder.encode(texts[::-1], CUT).vectors.flip(0)
    alone = torch.cat([encoder.encode([text], CUT).vectors for text in texts])
    small = EncodingOptions(overflow="truncate", batch_tokens=1)
    one_by_one = encoder.encode(texts, small).vectors
    tolerance = TOLERANCE[encoder.precision]
    for other in (reversed_, alone, one_by_one):
        torch.testing.assert_close(together, other, atol=tolerance, rtol=0)


def test_vectors_are_float32_of_unit_length(encoder, texts):
    vectors = encoder.encode(texts, CUT).vectors
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(texts)))


def test_bfloat16_is_close_to_float32(text_encoder, texts):
    exact = text_encoder.encode(texts, CUT).vectors
    rounded = TextEncoder.load(precision="bfloat16", device="cpu").encode(texts, CUT).vectors
    assert (exact * rounded).sum(1).min() > 0.9998


def test_duplicates_are_encoded_once(text_encoder):
    tokens = []
    hook = text_encoder.encoder.embeddings.register_forward_pre_hook(
        lambda _, args: tokens.append(len(args[0]))
    )
    try:
        vectors = text_encoder.encode(["a", "b", "a", "a"]).vectors
    finally:
        hook.remove()
    assert sum(tokens) == 6  # [CLS] a [SEP] [CLS] b [SEP]
    assert torch.equal(vectors[0], vectors[2])
    assert not torch.equal(vectors[0], vectors[1])


def test_long_texts_are_counted_and_warned_of(text_encoder):
    texts = ["word " * 300, "short", "word " * 300, "word " * 400]
    with pytest.warns(OverlongTextWarning, match=r"3 of 4 .*max_length=256 .*longest 402"):
        encoded = text_encoder.encode(texts)
    assert encoded.n_overlong == 3
    cut = text_encoder.encode(["word " * 254], CUT)
    assert cut.n_overlong == 0
    torch.testing.assert_close(encoded.vectors[0], cut.vectors[0], atol=1e-6, rtol=0)


def test_long_texts_can_be_refused(text_encoder):
    options = EncodingOptions(overflow="error", max_length=8)
    with pytest.raises(OverlongTextError, match=r"Row 1 has 12 tokens, but max_length is 8 \(2 "):
        text_encoder.encode(["short", "word " * 10, "word " * 20], options)


def test_chunks_are_averaged_by_tokens(text_encoder, docs):
    text = max(docs.data, key=len)
    options = EncodingOptions(overflow="chunk", max_length=34, normalize=False)
    encoded = text_encoder.encode([text, "short"], options)
    assert encoded.n_overlong == 1
    # 32 tokens of text a window, each repeating the last 8 of the one before.
    ids = text_encoder.tokenizer.tokenize([text]).input_ids
    windows = [ids[start : start + 32] for start in range(0, len(ids) - 8, 24)]
    hidden = [
        text_encoder.encoder(torch.tensor([[101, *window, 102]]))[0].mean(0) for window in windows
    ]
    weights = torch.tensor([len(window) + 2.0 for window in windows])
    expected = (torch.stack(hidden) * weights[:, None]).sum(0) / weights.sum()
    torch.testing.assert_close(encoded.vectors[0], expected, atol=1e-5, rtol=0)
    whole = text_encoder.encode(["short"], EncodingOptions(normalize=False)).vectors[0]
    torch.testing.assert_close(encoded.vectors[1], whole, atol=1e-6, rtol=0)


def test_every_chunk_begins_with_the_prompt(text_encoder, docs):
    text = max(docs.data, key=len)
    options = EncodingOptions(
        overflow="chunk", max_length=34, normalize=False, prompt="search query: "
    )
    found = text_encoder.encode([text], options).vectors[0]
    # 3 tokens of prompt and 29 of text a window, each repeating the last 7 of the one before.
    prompt = text_encoder.tokenizer.tokenize(["search query: "]).input_ids
    assert len(prompt) == 3
    ids = text_encoder.tokenizer.tokenize([text]).input_ids
    windows = [[*prompt, *ids[start : start + 29]] for start in range(0, len(ids) - 7, 22)]
    hidden = [
        text_encoder.encoder(torch.tensor([[101, *window, 102]]))[0].mean(0) for window in windows
    ]
    weights = torch.tensor([len(window) + 2.0 for window in windows])
    expected = (torch.stack(hidden) * weights[:, None]).sum(0) / weights.sum()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("layer", [0, 3, -1])
def test_pooling_and_layer(text_encoder, pooling, layer):
    options = EncodingOptions(pooling=pooling, layer=layer, normalize=False)
    found = text_encoder.encode(["a small text"], options).vectors
    assert found.shape == (1, 384)
    same = text_encoder.encode(["a small text"], EncodingOptions(pooling=pooling, layer=layer))
    torch.testing.assert_close(same.vectors, torch.nn.functional.normalize(found))


def test_pooling_choices_are_the_encoder_s():
    assert set(POOLING_CHOICES) == set(POOLINGS)


def test_truncated_vectors_are_normalised_again(text_encoder):
    full = text_encoder.encode(["a text"]).vectors
    short = text_encoder.encode(["a text"], EncodingOptions(truncate_dim=64)).vectors
    torch.testing.assert_close(short, torch.nn.functional.normalize(full[:, :64]))


def test_prompts(tiny_bert_copy):
    write_sentence_files(tiny_bert_copy, {"pooling_mode": "mean"})
    encoder = TextEncoder.load(tiny_bert_copy, precision="float32", device="cpu")

    def encode(text, prompt):
        return encoder.encode([text], EncodingOptions(prompt=prompt)).vectors

    by_default = encode("text", None)
    assert torch.equal(by_default, encode("text", "query"))  # by its role
    assert torch.equal(by_default, encode("text", "query: "))  # literally
    assert torch.equal(by_default, encode("query: TEXT", ""))  # none; do_lower_case is honoured
    assert not torch.equal(by_default, encode("text", ""))
    assert torch.equal(encode("text", "document"), encode("text", ""))  # its text is empty


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truncate_dim": 385}, "truncate_dim=385 is above the width .* 384"),
        ({"max_length": 513}, "max_length=513 must lie between 3 and 512"),
        ({"max_length": 2}, "max_length=2 must lie between 3 and 512"),
        ({"prompt": "word " * 14, "max_length": 16}, "prompt has 14 tokens, which leaves no room"),
        ({"layer": 7}, "layer=7 is not there; this model has 6 layers"),
        ({"layer": -8}, "layer=-8 is not there"),
    ],
)
def test_options_that_do_not_fit_the_model(text_encoder, options, message):
    with pytest.raises(ParameterError, match=message):
        text_encoder.encode(["a"], EncodingOptions(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"pooling": "median"},
        {"pooling": None},
        {"overflow": "explode"},
        {"layer": 1.5},
        {"layer": True},
        {"normalize": "yes"},
        {"truncate_dim": 0},
        {"truncate_dim": "all"},
        {"max_length": -1},
        {"batch_tokens": 0},
        {"batch_tokens": None},
        {"prompt": 3},
    ],
)
def test_options_that_fit_no_model(options):
    (name,) = options
    with pytest.raises(ParameterError, match=f"{name} must be"):
        EncodingOptions(**options)


def test_numpy_numbers_are_numbers(text_encoder):
    options = EncodingOptions(truncate_dim=np.int64(8), layer=np.int32(2), normalize=np.True_)
    assert text_encoder.encode(["a"], options).vectors.shape == (1, 8)


def test_half_a_character_names_the_row(text_encoder):
    with pytest.raises(TextInputError, match="Row 2 holds half a character"):
        text_encoder.encode(["a", "a", "\ud800"])


def test_no_texts(text_encoder):
    with pytest.raises(TextInputError, match="at least one text was expected; got a list without"):
        text_encoder.encode([])
    with pytest.raises(TextInputError, match="at least one text was expected; got a generator"):
        text_encoder.encode(text for text in ["a"])


def test_a_grid_shares_one_pass(text_encoder, texts, monkeypatch):
    grid = [
        EncodingOptions(layer=layer, pooling=pooling, normalize=normalize, **rest)
        for layer in (0, 2, -1)
        for pooling in ("mean", "cls+max")
        for normalize in (True, False)
        for rest in [{"overflow": "chunk", "max_length": 40, "truncate_dim": 100}]
    ]
    apart = [text_encoder.encode(texts, options) for options in grid]
    calls = []
    hook = text_encoder.encoder.layers[0].register_forward_pre_hook(lambda *_: calls.append(1))
    text_encoder.encode(texts, grid[-1])
    once = len(calls)
    together = text_encoder.encode_many(texts, grid)
    hook.remove()
    assert len(calls) == 2 * once
    for one, other in zip(together, apart, strict=True):
        torch.testing.assert_close(one.vectors, other.vectors, atol=1e-6, rtol=1e-5)
        assert one.n_overlong == other.n_overlong


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ([], "at least one EncodingOptions; got none"),
        ([EncodingOptions(), EncodingOptions(max_length=9)], "may differ in layer, pooling"),
        ([EncodingOptions(), EncodingOptions(prompt="a")], "may differ in layer, pooling"),
    ],
)
def test_grids_of_several_passes_are_refused(text_encoder, grid, message):
    with pytest.raises(ParameterError, match=message):
        text_encoder.encode_many(["a"], grid)


def with_tokenizer(folder, tokens, **config):
    """Give a folder word-level tokens, and its configuration other numbers."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(
        models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    edit_json(folder / "config.json", **config)


WORDS = ["<s>", "<pad>", "</s>", "[UNK]", *(f"word{i}" for i in range(60))]


def test_padding_of_another_name_does_no_harm(tiny_bert_copy):
    # As in multilingual-e5-small: XLM-R's tokenizer, BERT's layers, two paddings, and spare rows.
    edit_weights(tiny_bert_copy, lambda t: shrink_to(t, 100))
    with_tokenizer(tiny_bert_copy, WORDS, vocab_size=100, pad_token_id=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TextEncoder.load(tiny_bert_copy)
    # As in all-mpnet-base-v2: both usual names are there, one of them as expected.
    with_tokenizer(tiny_bert_copy, [*WORDS, "[PAD]"], pad_token_id=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TextEncoder.load(tiny_bert_copy)


def shrink_to(tensors, rows):
    name = "embeddings.word_embeddings.weight"
    tensors[name] = tensors[name][:rows].clone()


def test_a_tokenizer_far_smaller_than_the_table(tiny_bert_copy):
    with_tokenizer(tiny_bert_copy, [w for w in WORDS if w != "<pad>"])
    with pytest.warns(CheckpointWarning, match="has 63 ids .*vocab_size=30522 .*mean nothing"):
        TextEncoder.load(tiny_bert_copy)
    with_tokenizer(tiny_bert_copy, WORDS, pad_token_id=0)
    with pytest.raises(CheckpointError, match="padding at 1, .*pad_token_id=0; .*another model"):
        TextEncoder.load(tiny_bert_copy)


def test_padding_matters_where_positions_are_counted_from_it(tmp_path, tiny_bert):
    from transformers import RobertaConfig, RobertaModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = RobertaConfig(vocab_size=64, intermediate_size=48, pad_token_id=3, **sizes)
    RobertaModel(config).save_pretrained(tmp_path)
    with_tokenizer(tmp_path, WORDS)
    with pytest.warns(CheckpointWarning, match="padding at 1, .*pad_token_id=3"):
        TextEncoder.load(tmp_path)


def test_a_text_without_any_token_is_named(tiny_bert_copy):
    edit_weights(tiny_bert_copy, lambda t: shrink_to(t, 100))
    with_tokenizer(tiny_bert_copy, WORDS, vocab_size=100)
    encoder = TextEncoder.load(tiny_bert_copy)
    with pytest.raises(TextInputError, match="Row 1 has no token"):
        encoder.encode(["word1", "", "word2", "  "])
    assert encoder.encode(["word1"]).vectors.isfinite().all()


@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("overflow", ["chunk", "truncate"])
def test_a_prompt_that_grows_together_with_the_text(tiny_bert_copy, include_prompt, overflow):
    write_sentence_files(
        tiny_bert_copy, {"pooling_mode": "mean", "include_prompt": include_prompt}
    )
    encoder = TextEncoder.load(tiny_bert_copy, precision="float32", device="cpu")
    options = EncodingOptions(prompt="embarr", overflow=overflow, max_length=12)
    texts = ["assing", "", "assing is bad " * 9, "x"]
    assert len(encoder.tokenizer.tokenize(["embarr"]).input_ids) > 1
    together = encoder.encode(texts, options).vectors
    alone = torch.cat([encoder.encode([text], options).vectors for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    assert together.isfinite().all()


def test_lowercasing_leaves_special_tokens(tiny_bert_copy):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny_bert_copy / "tokenizer.json"))
    tokenizer.normalizer = None
    tokenizer.no_padding()
    tokenizer.save(str(tiny_bert_copy / "tokenizer.json"))
    expected = tokenizer.encode("[MASK] some words", add_special_tokens=False).ids
    write_sentence_files(tiny_bert_copy, {"pooling_mode": "mean"})
    loaded = TextEncoder.load(tiny_bert_copy)
    assert loaded.settings.lowercase
    assert loaded.tokenizer.tokenize(["[MASK] Some WORDS"]).input_ids.tolist() == expected


def test_a_mistyped_role_is_noticed(tiny_bert_copy):
    prompts = {"prompts": {"query": "query: ", "document": "passage: "}}
    (tiny_bert_copy / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    encoder = TextEncoder.load(tiny_bert_copy)
    with pytest.warns(UserWarning, match="prompt='quary' .* is called 'query'"):
        encoder.encode(["a"], EncodingOptions(prompt="quary"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.encode(["a"], EncodingOptions(prompt="query: "))
        encoder.encode(["a"], EncodingOptions(prompt="Represent this: "))


def test_prompt_with_half_a_character(text_encoder):
    with pytest.raises(TextInputError, match="half a character"):
        text_encoder.encode(["a"], EncodingOptions(prompt="\ud800"))


def test_device_that_is_not_there():
    with pytest.raises(
        DeviceError, match=r"device='cuda:99' is not there; this machine has .*cpu"
    ):
        TextEncoder.load(device="cuda:99")


@pytest.mark.parametrize("device", ["gpu", "", 3.5, "cuda:x"])
def test_device_that_is_none(device):
    with pytest.raises(ParameterError, match="device must be"):
        TextEncoder.load(device=device)


@pytest.mark.parametrize("precision", ["float8", None, ["float32"]])
def test_precision_that_is_none(precision):
    with pytest.raises(ParameterError, match="precision must be 'auto', 'float32' or 'bfloat16'"):
        TextEncoder.load(precision=precision)


def test_auto_takes_what_is_native():
    encoder = TextEncoder.load()
    assert str(encoder.device) == available_devices()[0]
    native = multiplies_bfloat16(encoder.device)
    assert encoder.precision == ("bfloat16" if native else "float32")


def test_auto_is_float32_where_bfloat16_is_not_native(monkeypatch):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True})
    assert TextEncoder.load(device="cpu").precision == "float32"


def test_tokenizer_of_another_model(tiny_bert_copy):
    def shrink(tensors):
        name = "embeddings.word_embeddings.weight"
        tensors[name] = tensors[name][:1000].clone()

    edit_weights(tiny_bert_copy, shrink)
    edit_json(tiny_bert_copy / "config.json", vocab_size=1000)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json\) gives ids up to 30521.*another"):
        TextEncoder.load(tiny_bert_copy)


def test_pickle_is_a_reference(text_encoder):
    pickled = pickle.dumps(text_encoder)
    assert len(pickled) < 2000
    again = pickle.loads(pickled)
    assert again.fingerprint == text_encoder.fingerprint
    assert torch.equal(again.encode(["a"]).vectors, text_encoder.encode(["a"]).vectors)


def test_pickle_of_a_model_that_has_changed_is_refused(tiny_bert_copy):
    encoder = TextEncoder.load(tiny_bert_copy)
    pickled = pickle.dumps(encoder)
    edit_weights(tiny_bert_copy, lambda t: t["embeddings.LayerNorm.bias"].add_(1))
    with pytest.raises(CheckpointError, match=f"fingerprint {encoder.fingerprint} expected, got"):
        pickle.loads(pickled)
    shutil.rmtree(tiny_bert_copy)
    with pytest.raises(CheckpointError, match="no such folder"):
        pickle.loads(pickled)


def test_pickle_made_on_another_device_loads_where_there_is_none(text_encoder):
    source = text_encoder.source
    function, _ = text_encoder.__reduce__()
    elsewhere = type(source)(source.model, source.fingerprint, "float32", "cuda:99")
    with pytest.warns(UserWarning, match="cuda:99.* is not there"):
        assert function(elsewhere).device.type in ("cuda", "mps", "cpu")


def test_clones_share_the_model(text_encoder):
    assert clone(text_encoder, safe=False) is text_encoder


def test_threads_may_share_one(text_encoder, docs):
    expected = text_encoder.encode(docs.data[:40], CUT).vectors
    found = {}

    def work(name):
        found[name] = text_encoder.encode(docs.data[:40], CUT).vectors

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for vectors in found.values():
        torch.testing.assert_close(vectors, expected, atol=1e-6, rtol=0)


def test_vectors_can_be_trained_on(text_encoder):
    vectors = text_encoder.encode(["a", "b"]).vectors
    weight = torch.ones(384, requires_grad=True)
    (vectors @ weight).sum().backward()
    assert weight.grad.isfinite().all()


def test_progress_is_shown_only_when_asked(text_encoder, capsys):
    text_encoder.encode(["a", "b"])
    assert capsys.readouterr() == ("", "")
    text_encoder.encode(["a", "b"], EncodingOptions(verbose=1))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Encoding (float32, cpu): 100%" in shown.err
    assert "2/2" in shown.err

"""Loading folders in the published layout, and refusing damaged ones by file and field."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from skencoder.checkpoints import load_checkpoint
from skencoder.encoder import Boundaries
from skencoder.errors import CheckpointError


def edit_json(path, **changes):
    fields = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in fields.items() if v is not ...}))


def edit_weights(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parity
@pytest.mark.parametrize("prefix", ["", "bert."])
@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_hidden_states_equal_transformers(tiny_bert_copy, prefix, activation):
    from transformers import BertModel

    edit_json(tiny_bert_copy / "config.json", hidden_act=activation)
    theirs = BertModel.from_pretrained(tiny_bert_copy).eval()
    edit_weights(
        tiny_bert_copy,
        lambda tensors: [tensors.__setitem__(prefix + k, tensors.pop(k)) for k in list(tensors)],
    )
    ours = load_checkpoint(tiny_bert_copy).encoder
    input_ids = torch.randint(0, 30522, (3, 20), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(20) < torch.tensor([[20], [7], [1]])).long()
    expected = theirs(input_ids, attention_mask=mask, output_hidden_states=True).hidden_states
    boundaries = Boundaries.from_lengths([20, 7, 1])
    for layer, states in enumerate(expected):
        found = ours.forward_packed(input_ids[mask.bool()], boundaries, layer=layer)
        torch.testing.assert_close(found, states[mask.bool()], rtol=1e-5, atol=1e-5)


def test_the_embedded_model(embedded_folder):
    checkpoint = load_checkpoint("all-MiniLM-L6-v2")
    assert checkpoint.encoder.config.hidden_size == 384
    assert checkpoint.settings.pooling == "mean"
    assert checkpoint.settings.normalize is True
    assert checkpoint.settings.max_length == 256
    assert checkpoint.fingerprint == load_checkpoint(embedded_folder).fingerprint
    assert not any(p.requires_grad for p in checkpoint.encoder.parameters())
    assert not checkpoint.encoder.training


def test_fingerprint_follows_every_file_that_matters(tiny_bert_copy):
    before = load_checkpoint(tiny_bert_copy).fingerprint
    edit_json(tiny_bert_copy / "config.json", layer_norm_eps=1e-6)
    changed_config = load_checkpoint(tiny_bert_copy).fingerprint
    edit_weights(tiny_bert_copy, lambda t: t["embeddings.LayerNorm.bias"].add_(1))
    changed_weights = load_checkpoint(tiny_bert_copy).fingerprint
    edit_json(tiny_bert_copy / "tokenizer.json", padding=None)
    changed_tokenizer = load_checkpoint(tiny_bert_copy).fingerprint
    write_sentence_files(tiny_bert_copy, {"pooling_mode": "cls"})
    changed_settings = load_checkpoint(tiny_bert_copy).fingerprint
    fingerprints = {before, changed_config, changed_weights, changed_tokenizer, changed_settings}
    assert len(fingerprints) == 5


def test_half_precision_files_are_read_as_float32(tiny_bert_copy):
    def halve(tensors):
        tensors.update({key: value.half() for key, value in tensors.items()})

    edit_weights(tiny_bert_copy, halve)
    encoder = load_checkpoint(tiny_bert_copy).encoder
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}


def test_folder_without_sentence_settings_has_defaults(tiny_bert):
    settings = load_checkpoint(tiny_bert).settings
    assert (settings.pooling, settings.normalize, settings.max_length) == ("mean", False, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_max_tokens": True}, "max"),
        ({"pooling_mode": "lasttoken", "embedding_dimension": 32}, "last"),
        ({"pooling_mode": ["weightedmean"]}, "weighted_mean"),
        ({"pooling_mode": ["mean", "cls", "mean_sqrt_len_tokens"]}, "mean+cls+mean_sqrt_len"),
        (
            {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
            # The old style's order is fixed, whatever the file's.
            "cls+mean",
        ),
    ],
)
def test_sentence_settings_are_read(tiny_bert_copy, fields, expected):
    write_sentence_files(tiny_bert_copy, fields)
    settings = load_checkpoint(tiny_bert_copy).settings
    assert settings.pooling == expected
    assert settings.normalize
    assert settings.max_length == 77
    assert settings.lowercase
    assert settings.prompts == {"query": "query: ", "document": ""}
    assert settings.default_prompt == "query"
    assert (settings.similarity, settings.truncate_dim) == ("dot", 16)
    assert settings.include_prompt


def write_sentence_files(folder, pooling, modules=("Transformer", "Pooling", "Normalize")):
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    entries = [
        {"idx": i, "type": f"sentence_transformers.models.{kind}", "path": f"{i}_{kind}" * (i > 0)}
        for i, kind in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(entries))
    limits = {"max_seq_length": 77, "do_lower_case": True}
    (folder / "sentence_bert_config.json").write_text(json.dumps(limits))
    prompts = {"prompts": {"query": "query: ", "document": ""}, "default_prompt_name": "query"}
    prompts |= {"similarity_fn_name": "dot", "truncate_dim": 16}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))


@pytest.mark.parametrize(
    ("pooling", "modules", "message"),
    [
        ({"pooling_mode": ["cls", "median"]}, ("Transformer", "Pooling"), "pooling cls . median"),
        ({"pooling_mode_median": True}, ("Transformer", "Pooling"), "pooling pooling_mode_median"),
        ({"pooling_mode": 3}, ("Transformer", "Pooling"), "pooling 3"),
        ({"pooling_mode": [["mean"]]}, ("Transformer", "Pooling"), "pooling .'mean'."),
        ({"pooling_mode_cls_token": False}, ("Transformer", "Pooling"), "pooling none"),
        (
            {"pooling_mode": "weightedmean", "include_prompt": False},
            ("Transformer", "Pooling"),
            "include_prompt=false with a weighted mean",
        ),
        ({"pooling_mode": "mean"}, ("Transformer", "Pooling", "LSTM"), "modules LSTM"),
        ({}, ("Transformer", "Normalize", "Pooling"), "supported is the order"),
        ({}, ("Transformer", "Pooling", "Normalize", "Dense"), "supported is the order"),
        ({}, ("Transformer", "Pooling", "Pooling"), "only Dense more than once"),
    ],
)
def test_settings_that_are_not_computed_are_refused(tiny_bert_copy, pooling, modules, message):
    write_sentence_files(tiny_bert_copy, pooling, modules)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tiny_bert_copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model_type": "telepathy"},
            "model_type='telepathy', which neither this package nor transformers has",
        ),
        ({"model_type": ...}, "model_type=None"),
        ({"is_decoder": True}, "only False is supported"),
        ({"num_attention_heads": 5}, "hidden_size must be a multiple"),
        ({"hidden_size": ..., "vocab_size": ...}, "lacks the fields vocab_size, hidden_size"),
        ({"hidden_act": "swish9"}, "hidden_act='swish9'; supported are gelu"),
        ({"position_embedding_type": "relative_key"}, "only 'absolute' is supported"),
        ({"num_hidden_layers": "six"}, "num_hidden_layers must be a positive integer; got 'six'"),
    ],
)
def test_config_that_does_not_fit(tiny_bert_copy, changes, message):
    edit_json(tiny_bert_copy / "config.json", **changes)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(tiny_bert_copy)
    assert "config.json" in str(caught.value)


def test_every_wrong_key_is_listed_at_once(tiny_bert_copy):
    def damage(tensors):
        del tensors["encoder.layer.0.attention.self.query.weight"]
        del tensors["embeddings.LayerNorm.bias"]
        tensors["encoder.layer.7.output.dense.bias"] = torch.zeros(2)
        tensors["surprise"] = torch.zeros(2)
        tensors["encoder.layer.1.output.dense.bias"] = torch.zeros(3)

    edit_weights(tiny_bert_copy, damage)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tiny_bert_copy)
    message = str(caught.value)
    for part in (
        "missing: embeddings.LayerNorm.bias, encoder.layer.0.attention.self.query.weight",
        "unexpected: encoder.layer.7.output.dense.bias, surprise",
        "wrong shape: encoder.layer.1.output.dense.bias (3,) instead of (32,)",
    ):
        assert part in message


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_file_is_named(tiny_bert_copy, name):
    (tiny_bert_copy / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        load_checkpoint(tiny_bert_copy)


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_truncated_weights(tiny_bert_copy, keep):
    path = tiny_bert_copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not a whole safetensors"):
        load_checkpoint(tiny_bert_copy)


@pytest.mark.parametrize("content", ["", "[1]", "{", "\x00"])
def test_broken_json(tiny_bert_copy, content):
    (tiny_bert_copy / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_checkpoint(tiny_bert_copy)


@pytest.mark.parametrize("content", ["{}", '{"type": "Pooling"}', '[{"idx": 0}]', "[3]", "7"])
def test_modules_that_are_no_list_of_modules(tiny_bert_copy, content):
    (tiny_bert_copy / "modules.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"modules\.json must hold a list of modules"):
        load_checkpoint(tiny_bert_copy)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompts": ["query"]}, "a text for each of its prompts"),
        ({"prompts": {"query": 3}}, "a text for each of its prompts"),
        ({"default_prompt_name": "quest"}, "default_prompt_name='quest', which is none"),
        ({"similarity_fn_name": "jaccard"}, "similarity_fn_name='jaccard'; supported are cosine"),
        ({"truncate_dim": 0}, "truncate_dim=0; a positive integer"),
    ],
)
def test_prompts_and_more_that_are_none(tiny_bert_copy, fields, message):
    (tiny_bert_copy / "config_sentence_transformers.json").write_text(json.dumps(fields))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tiny_bert_copy)


def test_weights_that_are_no_floats(tiny_bert_copy):
    name = "embeddings.LayerNorm.bias"
    edit_weights(tiny_bert_copy, lambda t: t.__setitem__(name, t[name].to(torch.int8)))
    with pytest.raises(CheckpointError, match=f"no finite floating-point numbers in: {name}"):
        load_checkpoint(tiny_bert_copy)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(tiny_bert_copy, value):
    name = "embeddings.LayerNorm.bias"
    edit_weights(tiny_bert_copy, lambda t: t[name].fill_(value))
    with pytest.raises(CheckpointError, match=f"no finite floating-point numbers in: {name}"):
        load_checkpoint(tiny_bert_copy)


def test_a_limit_that_is_no_number(tiny_bert_copy):
    path = tiny_bert_copy / "sentence_bert_config.json"
    path.write_text(json.dumps({"max_seq_length": "256"}))
    with pytest.raises(CheckpointError, match="must be a number of tokens; got '256'"):
        load_checkpoint(tiny_bert_copy)


class Bomb:
    """Pickled, it would create a file when loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_in_a_folder_is_unpickled(tiny_bert_copy, tmp_path):
    fuse = tmp_path / "exploded"
    for name in ("pytorch_model.bin", "model.safetensors", "modeling.py"):
        (tiny_bert_copy / name).write_bytes(pickle.dumps(Bomb(fuse)))
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_checkpoint(tiny_bert_copy)
    assert not fuse.exists()

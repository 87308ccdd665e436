"""Nonsense in any field of any file: a sentence that names the file, never a bare traceback."""

import json
import math
import shutil

import pytest
import torch
from safetensors.torch import save_file

from skencoder import TextEncoder
from skencoder.checkpoints import load_checkpoint, load_masked_lm
from skencoder.errors import CheckpointError
from tests.checkpoints.families import CASES, make_model
from tests.checkpoints.test_checkpoint import edit_json, edit_weights, write_sentence_files

NONSENSE = [None, True, -1, 0, 1.5, math.inf, math.nan, "x", [], [1], {"a": [1]}]
NONSENSE += [10**30, {"full_attention": [1]}, {"type": "ntk"}, {"rope_type": "yarn"}]
ONE_EACH = [name for name in CASES if "-" not in name] + ["xlm-roberta"]


@pytest.fixture(scope="module", params=ONE_EACH)
def folder(request, tmp_path_factory, embedded_folder):
    folder = tmp_path_factory.mktemp(request.param)
    make_model(request.param).save_pretrained(folder)
    shutil.copy(embedded_folder / "tokenizer.json", folder)
    return folder


def test_every_field_of_config_json(folder):
    path = folder / "config.json"
    original = path.read_text()
    fields = json.loads(original)
    extra = (
        "rope_scaling",
        "rope_theta",
        "global_attn_every_n_layers",
        "head_dim",
        "embedding_size",
    )
    loaded = 0
    for name in (*fields, *extra):
        for value in NONSENSE:
            path.write_text(json.dumps(fields | {name: value}))
            for load in (
                (load_checkpoint, load_masked_lm) if value in (True, "x") else (load_checkpoint,)
            ):
                try:
                    model = load(folder)
                except CheckpointError as error:
                    assert str(folder) in str(error)
                else:
                    loaded += 1
                    parameters = getattr(model, "encoder", model).parameters()
                    assert all(p.isfinite().all() for p in parameters)
    path.write_text(original)
    # What no family reads may hold anything.
    assert loaded


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "[" * 200_000),
        ("modules.json", "[" * 200_000),
        (
            "modules.json",
            '[{"type": "sentence_transformers.models.Transformer", "path": "a\\u0000"}]',
        ),
        ("modules.json", '[{"type": "evil.models.Transformer", "path": ""}]'),
        ("modules.json", '[{"type": "sentence_transformers.models.Normalize", "path": ""}]'),
        ("modules.json", "[]"),
        ("config_sentence_transformers.json", '{"default_prompt_name": ["a"]}'),
        ("config_sentence_transformers.json", '{"truncate_dim": 1000000}'),
        ("tokenizer_config.json", "[" * 200_000),
    ],
)
def test_other_files(tiny_bert_copy, file, content):
    (tiny_bert_copy / file).write_text(content)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tiny_bert_copy)
    assert file in str(caught.value)


@pytest.mark.parametrize(
    "weight_map", [{"a": ["x"]}, {"a": None}, {"a": "../x.safetensors"}, ["a"], "a"]
)
def test_an_index_of_nonsense(tiny_bert_copy, weight_map):
    (tiny_bert_copy / "model.safetensors").unlink()
    index = tiny_bert_copy / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(CheckpointError, match=r"index\.json must have a weight_map"):
        load_checkpoint(tiny_bert_copy)


NAME = "embeddings.LayerNorm.bias"


@pytest.mark.parametrize(
    "change",
    [
        {1: torch.zeros(2)},
        {NAME: torch.eye(32).to_sparse()[0]},
        {NAME: torch.zeros(32, device="meta")},
        {NAME: torch.quantize_per_tensor(torch.zeros(32), 1.0, 0, torch.qint8)},
        {NAME: torch.zeros(32).to(torch.float8_e4m3fn)},
        {NAME: torch.full((32,), torch.nan)},
    ],
    ids=["key", "sparse", "meta", "quantised", "float8", "nan"],
)
@pytest.mark.filterwarnings("ignore:.*uantize")
def test_tensors_of_other_kinds(tiny_bert_copy, change):
    from safetensors.torch import load_file

    tensors = load_file(tiny_bert_copy / "model.safetensors")
    (tiny_bert_copy / "model.safetensors").unlink()
    torch.save(tensors | change, tiny_bert_copy / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin"):
        load_checkpoint(tiny_bert_copy)


@pytest.mark.parametrize(
    "change",
    [{"in_features": value} for value in ("a", None, 32.0, -1, 10**15, 31)]
    + [{"bias": "no"}, {"activation_function": 3}],
)
def test_dense_modules_of_nonsense(tiny_bert_copy, change):
    write_sentence_files(
        tiny_bert_copy, {"pooling_mode": "mean"}, ("Transformer", "Pooling", "Dense")
    )
    (tiny_bert_copy / "2_Dense").mkdir()
    fields = {"in_features": 32, "out_features": 16} | change
    (tiny_bert_copy / "2_Dense" / "config.json").write_text(json.dumps(fields))
    weights = {"linear.weight": torch.zeros(16, 32), "linear.bias": torch.zeros(16)}
    save_file(weights, tiny_bert_copy / "2_Dense" / "model.safetensors")
    with pytest.raises(CheckpointError, match="2_Dense"):
        load_checkpoint(tiny_bert_copy)


def test_dense_weights_that_are_not_finite(tiny_bert_copy):
    write_sentence_files(
        tiny_bert_copy, {"pooling_mode": "mean"}, ("Transformer", "Pooling", "Dense")
    )
    (tiny_bert_copy / "2_Dense").mkdir()
    fields = {"in_features": 32, "out_features": 16, "bias": False}
    (tiny_bert_copy / "2_Dense" / "config.json").write_text(json.dumps(fields))
    path = tiny_bert_copy / "2_Dense" / "model.safetensors"
    save_file({"linear.weight": torch.full((16, 32), torch.nan)}, path)
    with pytest.raises(CheckpointError, match=r"no finite floating-point numbers in .*weight"):
        load_checkpoint(tiny_bert_copy)
    save_file({"linear.weight": torch.ones(16, 32)}, path)
    assert TextEncoder.load(tiny_bert_copy).encode(["a"]).vectors.shape == (1, 16)
    # A pooling that gives another width than the module takes is told at once.
    write_sentence_files(
        tiny_bert_copy, {"pooling_mode": ["cls", "mean"]}, ("Transformer", "Pooling", "Dense")
    )
    with pytest.raises(CheckpointError, match="takes 32 dimensions .*gives 64"):
        load_checkpoint(tiny_bert_copy)


def test_tinybert_s_maps_to_its_teacher_are_not_needed(tiny_bert_copy):
    edit_weights(
        tiny_bert_copy,
        lambda t: t.update(
            {"fit_denses.0.weight": torch.zeros(2), "fit_dense.bias": torch.zeros(2)}
        ),
    )
    load_checkpoint(tiny_bert_copy)


def test_null_is_as_good_as_nothing(tiny_bert_copy):
    edit_json(tiny_bert_copy / "config.json", position_embedding_type=None, is_decoder=None)
    load_checkpoint(tiny_bert_copy)

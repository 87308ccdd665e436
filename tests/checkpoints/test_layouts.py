"""The layouts of config.json that authors published before transformers had its own."""

import json
import shutil

import pytest
import torch

from skencoder.checkpoints import load_checkpoint, load_masked_lm, save_checkpoint
from skencoder.encoder import HeadConfig, Rotary
from skencoder.errors import CheckpointError
from tests.checkpoints.families import draw_batch, make_model
from tests.checkpoints.test_checkpoint import edit_json, edit_weights
from tests.checkpoints.test_families import assert_same

pytestmark = pytest.mark.parity


@pytest.fixture
def folder(request, tmp_path, embedded_folder):
    folder = tmp_path / "checkpoint"
    make_model(request.param).save_pretrained(folder)
    shutil.copy(embedded_folder / "tokenizer.json", folder)
    return folder


def rewrite(folder, **fields):
    (folder / "config.json").write_text(json.dumps(fields))


NOMIC = {
    "model_type": "nomic_bert",
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_inner": 48,
    "n_positions": 90,
    "vocab_size": 160,
    "type_vocab_size": 2,
    "activation_function": "swiglu",
    "layer_norm_epsilon": 1e-12,
    "rotary_emb_base": 1000,
    "rotary_emb_fraction": 1.0,
    "rotary_scaling_factor": None,
    "qkv_proj_bias": False,
    "prenorm": False,
}


@pytest.mark.parametrize("folder", ["nomic_bert"], indirect=True)
def test_nomic_as_its_authors_write_it(folder):
    modern = load_checkpoint(folder).encoder
    rewrite(folder, **NOMIC)
    found = load_checkpoint(folder).encoder
    input_ids, mask = draw_batch("nomic_bert")
    assert torch.equal(found(input_ids, mask), modern(input_ids, mask))


@pytest.mark.parametrize("folder", ["nomic_bert"], indirect=True)
def test_nomic_s_head_as_its_authors_write_it(folder):
    rewrite(folder, **NOMIC, mlp_fc1_bias=False)
    biases = ("cls.predictions.bias", "cls.predictions.transform.dense.bias")
    edit_weights(folder, lambda tensors: [tensors.pop(name) for name in biases])
    model = load_masked_lm(folder)
    assert model.head_config == HeadConfig(
        activation="silu", transform_bias=False, decoder_bias=False
    )
    input_ids, mask = draw_batch("nomic_bert")
    hidden = model.encoder(input_ids, mask)
    x = hidden @ model.head.transform.weight.T
    expected = model.head.norm(x * x.sigmoid()) @ model.encoder.embeddings.token.weight.T
    torch.testing.assert_close(model(input_ids, mask), expected)


@pytest.mark.parametrize(
    "change",
    [
        {"rotary_scaling_factor": 2.0},
        {"rotary_emb_fraction": 0.5},
        {"prenorm": True},
        {"num_experts": 8},
        {"qkv_proj_bias": True},
    ],
)
@pytest.mark.parametrize("folder", ["nomic_bert"], indirect=True)
def test_nomic_s_other_networks_are_refused(folder, change):
    rewrite(folder, **(NOMIC | change))
    with pytest.raises(CheckpointError, match=f"config.json.*{next(iter(change))}"):
        load_checkpoint(folder)


@pytest.mark.parametrize("folder", ["modernbert"], indirect=True)
def test_modernbert_as_its_authors_write_it(folder):
    modern = load_checkpoint(folder).encoder.config
    fields = json.loads((folder / "config.json").read_text())
    del fields["layer_types"], fields["rope_parameters"]
    fields |= {"global_attn_every_n_layers": 3, "global_rope_theta": 160000.0}
    rewrite(folder, **fields, local_rope_theta=10000.0)
    found = load_checkpoint(folder).encoder.config
    assert found == modern
    assert found.windows == (None, 4, 4, None)
    assert found.attention_positions == Rotary(theta=160000.0, local_theta=10000.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_types": ["full_attention"]}, "layer_types must name"),
        ({"rope_scaling": {"type": "yarn", "factor": 2}}, "rope_scaling asks for .*yarn"),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "scale full_attention"),
        ({"hidden_activation": "mish"}, "hidden_act='mish'; supported"),
    ],
)
@pytest.mark.parametrize("folder", ["modernbert"], indirect=True)
def test_modernbert_s_other_choices_are_refused(folder, change, message):
    edit_json(folder / "config.json", **change)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


def as_new(folder, **fields):
    """Turn a "gte" folder into what the authors' own code reads."""
    edit_json(
        folder / "config.json",
        model_type="new",
        rope_parameters=...,
        position_embedding_type="rope",
        pack_qkv=True,
        auto_map={"AutoModel": "modeling.NewModel"},
        **fields,
    )

    def rename(tensors):
        for name in [name for name in tensors if name.startswith("gte.")]:
            tensors[name.replace("gte.", "new.")] = tensors.pop(name)

    edit_weights(folder, rename)


@pytest.mark.parametrize("folder", ["gte"], indirect=True)
def test_new_is_gte(folder, tmp_path):
    modern = load_checkpoint(folder).encoder
    as_new(folder, rope_theta=160000.0)
    checkpoint = load_checkpoint(folder)
    input_ids, mask = draw_batch("gte")
    assert torch.equal(checkpoint.encoder(input_ids, mask), modern(input_ids, mask))
    written = save_checkpoint(
        tmp_path / "w", checkpoint.encoder, tokenizer_folder=folder, model_type="new"
    )
    assert json.loads((written / "config.json").read_text())["model_type"] == "gte"


@pytest.mark.parametrize("folder", ["gte"], indirect=True)
def test_new_s_ntk_is_its_authors_formula(folder, tmp_path):
    theirs = make_model("gte")
    # Fixed NTK: the base grows by the factor, and all frequencies fall by its root.
    theta, factor, head_dim = 500.0, 2.0, 8
    base = theta * factor
    frequencies = 1.0 / base ** (torch.arange(0, head_dim, 2).float() / head_dim)
    theirs.base_model.rotary_emb.inv_freq.copy_(frequencies / factor ** (2 / head_dim))
    as_new(folder, rope_theta=theta, rope_scaling={"type": "ntk", "factor": factor})
    input_ids, mask = draw_batch("gte")
    checkpoint = load_checkpoint(folder)
    expected = theirs.base_model(input_ids, attention_mask=mask).last_hidden_state[mask.bool()]
    assert_same(checkpoint.encoder(input_ids, mask)[mask.bool()], expected)
    # Written in the words of transformers it is the same still.
    from transformers import AutoModel

    written = save_checkpoint(tmp_path / "w", checkpoint.encoder, tokenizer_folder=folder)
    again = AutoModel.from_pretrained(written).eval()
    found = again(input_ids, attention_mask=mask).last_hidden_state[mask.bool()]
    assert_same(found, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_scaling": {"type": "ntk", "factor": 2, "mixed_b": 0.5}}, "without mixed_b"),
        ({"position_embedding_type": "absolute"}, "only 'rope' is supported"),
        ({"logn_attention_scale": True}, "logn_attention_scale=True"),
    ],
)
@pytest.mark.parametrize("folder", ["gte"], indirect=True)
def test_new_s_other_choices_are_refused(folder, change, message):
    as_new(folder)
    edit_json(folder / "config.json", **change)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("folder", "change", "message"),
    [
        ("eurobert", {"head_dim": 16}, "head_dim must be hidden_size / num_attention_heads"),
        ("eurobert", {"num_key_value_heads": 3}, "multiple of num_key_value_heads; got 4 and 3"),
        ("roberta", {"pad_token_id": -3}, "pad_token_id must be a token id; got -3"),
        ("mpnet", {"relative_attention_num_buckets": 64}, "only 32 is supported"),
        ("albert", {"inner_group_num": 2}, "only 1 is supported"),
    ],
    indirect=["folder"],
)
def test_what_the_families_do_not_compute(folder, change, message):
    edit_json(folder / "config.json", **change)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(folder)
    assert "config.json" in str(caught.value)

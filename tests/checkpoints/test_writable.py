"""What is said before training about writing: neither more nor less than writing then does."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.checkpoints import check_can_be_written, save_checkpoint, writable_model
from skencoder.encoder import Alibi, Encoder, EncoderConfig, HeadConfig, RelativeBias, Rotary
from skencoder.errors import CheckpointError

SMALL = EncoderConfig(
    vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
)
CHOICES = {
    "positions": st.sampled_from(["learned", "sinusoidal", "none"]),
    "attention_positions": st.sampled_from([None, Rotary(), Alibi(), RelativeBias()]),
    "gated": st.booleans(),
    "norm": st.sampled_from(["layer", "rms"]),
    "norm_position": st.sampled_from(["post", "pre"]),
    "pad_token_id": st.sampled_from([None, 1]),
    "type_vocab_size": st.sampled_from([0, 1, 2]),
    "unbiased": st.sampled_from([(), ("expand",), ("attention", "expand", "contract")]),
    "hidden_act": st.sampled_from(["gelu", "relu", "silu"]),
}


@settings(max_examples=25, deadline=None)
@given(st.fixed_dictionaries(CHOICES))
def test_what_is_found_can_be_written(fields):
    config = replace(SMALL, **fields)
    try:
        found, head = writable_model(config)
    except CheckpointError:
        return
    assert replace(found, type_vocab_size=config.type_vocab_size) == config
    check_can_be_written(found, head)


@pytest.mark.parametrize(
    "fields",
    [
        {"attention_positions": Rotary()},
        {"positions": "none", "attention_positions": Alibi()},
        {"positions": "sinusoidal", "attention_positions": Rotary()},
        {"positions": "sinusoidal", "norm_position": "pre"},
        {"positions": "sinusoidal", "layer_norm_eps": 1e-5},
        {"positions": "none"},
        {"gated": True},
    ],
)
def test_the_advice_is_true(fields):
    config = replace(SMALL, **fields)
    with pytest.raises(CheckpointError, match="With .* it can be written") as error:
        writable_model(config)
    advice = re.search(r"With (.*) it can be written", str(error.value))[1]
    change = eval(f"dict({advice})")
    assert all(getattr(config, name) != value for name, value in change.items())
    check_can_be_written(*writable_model(replace(config, **change)))


def test_refused_before_and_when_written(tiny_bert, tmp_path):
    config = replace(SMALL, attention_positions=Alibi())
    with pytest.raises(CheckpointError, match="No published family has just these parts"):
        check_can_be_written(config, HeadConfig())
    with pytest.raises(CheckpointError, match="No published family has just these parts"):
        save_checkpoint(tmp_path / "new", Encoder(config), tokenizer_folder=tiny_bert)


def test_segments_go_only_where_they_must():
    kept, _ = writable_model(SMALL)
    assert kept == SMALL
    assert writable_model(replace(SMALL, positions="sinusoidal"))[0].type_vocab_size == 0
    narrow = replace(SMALL, embedding_size=4, type_vocab_size=0)
    assert writable_model(narrow)[0].type_vocab_size == 1

"""ModernBERT (Warner et al. 2024, arXiv:2412.13663): rotary, pre-norm, GEGLU, local attention."""

from typing import Any

from skencoder.checkpoints.family import QUERY_KEY_VALUE, Family, Fields
from skencoder.checkpoints.rope import read_rotary
from skencoder.encoder import EncoderConfig, HeadConfig, Rotary

_OURS = "layers.{i}"
_LAYER = "layers.{i}"
_GLOBAL, _LOCAL = "full_attention", "sliding_attention"
_GLOBAL_THETA, _LOCAL_THETA = 160000.0, 10000.0


def _read_attention(fields: Fields) -> dict[str, Any]:
    # The published number is the whole window, both sides together.
    reach = int(fields.get("local_attention", 128)) // 2
    if reach < 1:
        raise ValueError(f"local_attention must be 2 or more; got {fields['local_attention']!r}.")
    windows = tuple(reach if kind == _LOCAL else None for kind in _layer_types(fields))
    theta = _theta(fields, _GLOBAL, "global_rope_theta", _GLOBAL_THETA)
    local_theta = _theta(fields, _LOCAL, "local_rope_theta", _LOCAL_THETA)
    return {
        "windows": windows if any(windows) else None,
        "attention_positions": Rotary(
            theta=theta, local_theta=None if local_theta == theta else local_theta
        ),
    }


def _layer_types(fields: Fields) -> list[str]:
    every = int(fields.get("global_attn_every_n_layers", 3))
    layers = int(fields["num_hidden_layers"])
    alternating = [_LOCAL if index % every else _GLOBAL for index in range(layers)]
    types = fields.get("layer_types") or alternating
    if len(types) != layers or not set(types) <= {_GLOBAL, _LOCAL}:
        raise ValueError(
            f"layer_types must name {_GLOBAL} or {_LOCAL} for each of {layers} layers; "
            f"got {types}."
        )
    return list(types)


def _theta(fields: Fields, kind: str, old_name: str, default: float) -> float:
    parameters = (fields.get("rope_parameters") or {}).get(kind) or {}
    theta = fields.get(old_name) or default
    rotary = read_rotary(
        {"rope_parameters": parameters, "rope_scaling": fields.get("rope_scaling")}, theta
    )
    if rotary.scale != 1:
        raise ValueError(f"rope_parameters scale {kind}, which is not supported.")
    return rotary.theta


def _write_attention(config: EncoderConfig) -> dict[str, Any]:
    rotary = config.attention_positions
    theta = rotary.theta if isinstance(rotary, Rotary) else _GLOBAL_THETA
    local_theta = (rotary.local_theta if isinstance(rotary, Rotary) else None) or theta
    windows = config.windows or (None,) * config.num_hidden_layers
    return {
        "layer_types": [_GLOBAL if window is None else _LOCAL for window in windows],
        "local_attention": 2 * max((window or 0 for window in windows), default=0) or 128,
        "rope_parameters": {
            _GLOBAL: {"rope_type": "default", "rope_theta": theta},
            _LOCAL: {"rope_type": "default", "rope_theta": local_theta},
        },
    }


MODERNBERT_FAMILY = Family(
    architectures=("ModernBertModel", "ModernBertForMaskedLM"),
    fields={
        "vocab_size": "vocab_size",
        "hidden_size": "hidden_size",
        "num_hidden_layers": "num_hidden_layers",
        "num_attention_heads": "num_attention_heads",
        "intermediate_size": "intermediate_size",
        "hidden_act": "hidden_activation",
        "max_position_embeddings": "max_position_embeddings",
        "layer_norm_eps": "norm_eps",
        "hidden_dropout_prob": "mlp_dropout",
        "attention_probs_dropout_prob": "attention_dropout",
    },
    defaults={
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
    fixed={
        "type_vocab_size": 0,
        "positions": "none",
        "gated": True,
        "norm_position": "pre",
        "embedding_norm": True,
    },
    biases={
        "attention": "attention_bias",
        "expand": "mlp_bias",
        "contract": "mlp_bias",
        "norm": "norm_bias",
    },
    derive=_read_attention,
    describe=_write_attention,
    stacked=(
        (QUERY_KEY_VALUE, f"{_LAYER}.attn.Wqkv"),
        (
            (f"{_OURS}.feed_forward.sublayer.gate", f"{_OURS}.feed_forward.sublayer.expand"),
            f"{_LAYER}.mlp.Wi",
        ),
    ),
    renames=(
        ("embeddings.token", "embeddings.tok_embeddings"),
        ("embeddings.norm", "embeddings.norm"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.attn_norm"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.attn.Wo"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.mlp_norm"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.mlp.Wo"),
        ("final_norm", "final_norm"),
        ("head.transform", "head.dense"),
        ("head.norm", "head.norm"),
        ("head.decoder", "decoder"),
    ),
    prefixes=("model.",),
    ignored=(r"head\..*", r"decoder\..*", r"classifier\..*"),
    head=HeadConfig(transform_bias=False),
    head_fields={
        "activation": "classifier_activation",
        "transform_bias": "classifier_bias",
        "decoder_bias": "decoder_bias",
        "tied": "tie_word_embeddings",
    },
)

"""Nomic-BERT (Nussbaum et al. 2024, arXiv:2402.01613): BERT with rotary positions and SwiGLU.

Two layouts of ``config.json``: the authors' (``n_embd``, ...) and transformers' own.
"""

from typing import Any

from skencoder.checkpoints.bert import IGNORED
from skencoder.checkpoints.family import QUERY_KEY_VALUE, Family, Fields
from skencoder.checkpoints.rope import read_rotary, write_rotary

_OURS = "layers.{i}"
_LAYER = "encoder.layers.{i}"


def _read_rotary(fields: Fields) -> dict[str, Any]:
    fraction = fields.get("rotary_emb_fraction", 1.0)
    if fraction != 1:
        raise ValueError(f"rotary_emb_fraction must be 1; got {fraction!r}.")
    rotary = read_rotary(fields, float(fields.get("rotary_emb_base") or 1000))
    return {"attention_positions": rotary}


def _read_head(fields: Fields) -> dict[str, Any]:
    if "mlp_fc1_bias" not in fields:
        return {}
    # The authors' code takes the layers' activation and the first map's bias for the head too.
    biased = bool(fields["mlp_fc1_bias"])
    activation = "silu" if fields.get("activation_function") == "swiglu" else "gelu"
    return {"activation": activation, "transform_bias": biased, "decoder_bias": biased}


NOMIC_BERT_FAMILY = Family(
    architectures=("NomicBertModel", "NomicBertForMaskedLM"),
    fields={
        "vocab_size": "vocab_size",
        "hidden_size": ("hidden_size", "n_embd"),
        "num_hidden_layers": ("num_hidden_layers", "n_layer"),
        "num_attention_heads": ("num_attention_heads", "n_head"),
        "intermediate_size": ("intermediate_size", "n_inner"),
        "hidden_act": ("hidden_act", "activation_function"),
        "max_position_embeddings": ("max_position_embeddings", "n_positions"),
        "type_vocab_size": "type_vocab_size",
        "layer_norm_eps": ("layer_norm_eps", "layer_norm_epsilon"),
        "hidden_dropout_prob": ("hidden_dropout_prob", "resid_pdrop"),
        "attention_probs_dropout_prob": ("attention_probs_dropout_prob", "attn_pdrop"),
    },
    defaults={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    fixed={
        "positions": "none",
        "gated": True,
        "unbiased": ("attention", "expand", "contract"),
    },
    expected={
        "rotary_scaling_factor": None,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "prenorm": False,
        "parallel_block": False,
        "causal": False,
        "use_rms_norm": False,
        "qkv_proj_bias": False,
        "mlp_fc1_bias": False,
        "mlp_fc2_bias": False,
        # The variant with experts (nomic-embed-text-v2-moe) is another network.
        "num_experts": 0,
    },
    derive=_read_rotary,
    describe=write_rotary,
    stacked=((QUERY_KEY_VALUE, f"{_LAYER}.attn.Wqkv"),),
    renames=(
        ("embeddings.token", "embeddings.word_embeddings"),
        ("embeddings.token_type", "embeddings.token_type_embeddings"),
        ("embeddings.norm", "emb_ln"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.attn.out_proj"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.norm1"),
        (f"{_OURS}.feed_forward.sublayer.expand", f"{_LAYER}.mlp.fc11"),
        (f"{_OURS}.feed_forward.sublayer.gate", f"{_LAYER}.mlp.fc12"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.mlp.fc2"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.norm2"),
        ("head.transform", "cls.predictions.transform.dense"),
        ("head.norm", "cls.predictions.transform.layer_norm"),
        ("head.decoder", "cls.predictions.decoder"),
    ),
    aliases={"cls.predictions.bias": "cls.predictions.decoder.bias"},
    prefixes=("nomic_bert.", "bert."),
    ignored=(*IGNORED, r"cls\..*"),
    derive_head=_read_head,
    head_fields={"activation": "hidden_act", "tied": "tie_word_embeddings"},
)

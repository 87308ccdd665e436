"""EuroBERT (Boizard et al. 2025, arXiv:2503.05500): a Llama that looks both ways."""

from typing import Any

from skencoder.checkpoints.family import Family, Fields
from skencoder.checkpoints.rope import read_rotary, write_rotary
from skencoder.encoder import EncoderConfig, HeadConfig

_OURS = "layers.{i}"
_LAYER = "layers.{i}"


def _read_attention(fields: Fields) -> dict[str, Any]:
    hidden, heads = int(fields["hidden_size"]), int(fields["num_attention_heads"])
    head_dim = fields.get("head_dim") or hidden // heads
    if head_dim * heads != hidden:
        raise ValueError(f"head_dim must be hidden_size / num_attention_heads; got {head_dim!r}.")
    shared = fields.get("num_key_value_heads")
    return {
        "num_key_value_heads": None if shared == heads else shared,
        "attention_positions": read_rotary(fields, 10000.0),
    }


def _write_attention(config: EncoderConfig) -> dict[str, Any]:
    shared = config.num_key_value_heads or config.num_attention_heads
    return {"num_key_value_heads": shared, **write_rotary(config)}


EUROBERT_FAMILY = Family(
    architectures=("EuroBertModel", "EuroBertForMaskedLM"),
    fields={
        "vocab_size": "vocab_size",
        "hidden_size": "hidden_size",
        "num_hidden_layers": "num_hidden_layers",
        "num_attention_heads": "num_attention_heads",
        "intermediate_size": "intermediate_size",
        "hidden_act": "hidden_act",
        "max_position_embeddings": "max_position_embeddings",
        "layer_norm_eps": "rms_norm_eps",
        "attention_probs_dropout_prob": "attention_dropout",
    },
    defaults={"layer_norm_eps": 1e-5, "attention_probs_dropout_prob": 0.0},
    fixed={
        "type_vocab_size": 0,
        "positions": "none",
        "gated": True,
        "norm": "rms",
        "norm_position": "pre",
        "hidden_dropout_prob": 0.0,
    },
    biases={"attention": "attention_bias", "expand": "mlp_bias", "contract": "mlp_bias"},
    derive=_read_attention,
    describe=_write_attention,
    renames=(
        ("embeddings.token", "embed_tokens"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.input_layernorm"),
        (f"{_OURS}.attention.sublayer.query", f"{_LAYER}.self_attn.q_proj"),
        (f"{_OURS}.attention.sublayer.key", f"{_LAYER}.self_attn.k_proj"),
        (f"{_OURS}.attention.sublayer.value", f"{_LAYER}.self_attn.v_proj"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.self_attn.o_proj"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.post_attention_layernorm"),
        (f"{_OURS}.feed_forward.sublayer.gate", f"{_LAYER}.mlp.gate_proj"),
        (f"{_OURS}.feed_forward.sublayer.expand", f"{_LAYER}.mlp.up_proj"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.mlp.down_proj"),
        ("final_norm", "norm"),
        ("head.decoder", "lm_head"),
    ),
    prefixes=("model.",),
    ignored=(r"lm_head\..*", r"dense\..*", r"classifier\..*", r".*rotary_emb\.inv_freq"),
    head=HeadConfig(activation=None, decoder_bias=False, tied=False),
    head_fields={"decoder_bias": "mlp_bias", "tied": "tie_word_embeddings"},
)

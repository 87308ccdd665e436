"""MPNet (Song et al. 2020, arXiv:2004.09297): learned positions and a bias by distance."""

from typing import Any

from skencoder.checkpoints.bert import IGNORED, STANDARD_DEFAULTS, STANDARD_FIELDS
from skencoder.checkpoints.family import Family, Fields
from skencoder.checkpoints.roberta import LM_HEAD_RENAMES
from skencoder.encoder import EncoderConfig, RelativeBias

_OURS = "layers.{i}"
_LAYER = "encoder.layer.{i}"
# The authors' code takes 1 whatever the configuration says.
_PADDING = 1


def _read_positions(fields: Fields) -> dict[str, Any]:
    return {"max_position_embeddings": int(fields["max_position_embeddings"]) - _PADDING - 1}


def _write_positions(config: EncoderConfig) -> dict[str, Any]:
    length = config.max_position_embeddings + _PADDING + 1
    return {"pad_token_id": _PADDING, "max_position_embeddings": length}


MPNET_FAMILY = Family(
    architectures=("MPNetModel", "MPNetForMaskedLM"),
    fields={ours: name for ours, name in STANDARD_FIELDS.items() if ours != "type_vocab_size"},
    defaults={k: v for k, v in STANDARD_DEFAULTS.items() if k != "type_vocab_size"},
    fixed={
        "type_vocab_size": 0,
        "pad_token_id": _PADDING,
        "attention_positions": RelativeBias(num_buckets=32, max_distance=128),
    },
    expected={"relative_attention_num_buckets": 32},
    derive=_read_positions,
    describe=_write_positions,
    renames=(
        ("embeddings.token", "embeddings.word_embeddings"),
        ("embeddings.positions.table", "embeddings.position_embeddings"),
        ("embeddings.norm", "embeddings.LayerNorm"),
        ("attention_positions.table", "encoder.relative_attention_bias"),
        (f"{_OURS}.attention.sublayer.query", f"{_LAYER}.attention.attn.q"),
        (f"{_OURS}.attention.sublayer.key", f"{_LAYER}.attention.attn.k"),
        (f"{_OURS}.attention.sublayer.value", f"{_LAYER}.attention.attn.v"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.attention.attn.o"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.attention.LayerNorm"),
        (f"{_OURS}.feed_forward.sublayer.expand", f"{_LAYER}.intermediate.dense"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.output.dense"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.output.LayerNorm"),
        *LM_HEAD_RENAMES,
    ),
    aliases={"lm_head.bias": "lm_head.decoder.bias"},
    prefixes=("mpnet.",),
    ignored=(*IGNORED, r"lm_head\..*"),
    head_fields={"tied": "tie_word_embeddings"},
)

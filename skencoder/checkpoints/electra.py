"""ELECTRA (Clark et al. 2020, arXiv:2003.10555): BERT with narrow tables in the small sizes."""

from typing import Any

from skencoder.checkpoints.bert import (
    BERT_RENAMES,
    ENCODER_ONLY,
    IGNORED,
    STANDARD_DEFAULTS,
    STANDARD_FIELDS,
)
from skencoder.checkpoints.family import Family, Fields
from skencoder.encoder import EncoderConfig


def _read_width(fields: Fields) -> dict[str, Any]:
    width = fields.get("embedding_size")
    # Tables as wide as the layers have no map behind them.
    return {"embedding_size": None if width == fields["hidden_size"] else width}


def _write_width(config: EncoderConfig) -> dict[str, Any]:
    return {"embedding_size": config.embedding_size or config.hidden_size}


ELECTRA_FAMILY = Family(
    architectures=("ElectraModel", "ElectraForMaskedLM"),
    fields=STANDARD_FIELDS,
    defaults=STANDARD_DEFAULTS,
    expected=ENCODER_ONLY,
    derive=_read_width,
    describe=_write_width,
    renames=(
        *BERT_RENAMES,
        ("embeddings.projection", "embeddings_project"),
        ("head.transform", "generator_predictions.dense"),
        ("head.norm", "generator_predictions.LayerNorm"),
        ("head.decoder", "generator_lm_head"),
    ),
    prefixes=("electra.",),
    ignored=(*IGNORED, r"discriminator_predictions\..*", r"generator_.*"),
    head_fields={"tied": "tie_word_embeddings"},
)

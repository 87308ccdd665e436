"""RoBERTa (Liu et al. 2019, arXiv:1907.11692): BERT that counts positions after padding's id.

Also of CamemBERT and XLM-RoBERTa, whose files differ in names of classes only.
"""

from dataclasses import replace
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

LM_HEAD_RENAMES = (
    ("head.transform", "lm_head.dense"),
    ("head.norm", "lm_head.layer_norm"),
    ("head.decoder", "lm_head.decoder"),
)


def _read_positions(fields: Fields) -> dict[str, Any]:
    pad_token_id = fields.get("pad_token_id", 1)
    if not isinstance(pad_token_id, int) or pad_token_id < 0:
        raise ValueError(f"pad_token_id must be a token id; got {pad_token_id!r}.")
    # The published number counts the rows up to the padding's, which no text uses.
    length = int(fields["max_position_embeddings"]) - pad_token_id - 1
    return {"pad_token_id": pad_token_id, "max_position_embeddings": length}


def _write_positions(config: EncoderConfig) -> dict[str, Any]:
    pad_token_id = 1 if config.pad_token_id is None else config.pad_token_id
    length = config.max_position_embeddings + pad_token_id + 1
    return {"pad_token_id": pad_token_id, "max_position_embeddings": length}


ROBERTA_FAMILY = Family(
    architectures=("RobertaModel", "RobertaForMaskedLM"),
    fields=STANDARD_FIELDS,
    defaults=STANDARD_DEFAULTS,
    expected=ENCODER_ONLY,
    derive=_read_positions,
    describe=_write_positions,
    renames=(*BERT_RENAMES, *LM_HEAD_RENAMES),
    aliases={"lm_head.bias": "lm_head.decoder.bias"},
    prefixes=("roberta.",),
    ignored=(*IGNORED, r"lm_head\..*"),
    head_fields={"tied": "tie_word_embeddings"},
)
CAMEMBERT_FAMILY = replace(
    ROBERTA_FAMILY, architectures=("CamembertModel", "CamembertForMaskedLM")
)

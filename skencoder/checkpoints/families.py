"""The registry: every ``model_type`` that the core computes itself."""

from pathlib import Path
from typing import Any

from skencoder.checkpoints.albert import ALBERT_FAMILY
from skencoder.checkpoints.bert import BERT_FAMILY
from skencoder.checkpoints.distilbert import DISTILBERT_FAMILY
from skencoder.checkpoints.electra import ELECTRA_FAMILY
from skencoder.checkpoints.eurobert import EUROBERT_FAMILY
from skencoder.checkpoints.family import Family
from skencoder.checkpoints.gte import GTE_FAMILY
from skencoder.checkpoints.jina_v3 import JINA_V3_FAMILY
from skencoder.checkpoints.modernbert import MODERNBERT_FAMILY
from skencoder.checkpoints.mpnet import MPNET_FAMILY
from skencoder.checkpoints.nomic_bert import NOMIC_BERT_FAMILY
from skencoder.checkpoints.roberta import CAMEMBERT_FAMILY, ROBERTA_FAMILY
from skencoder.checkpoints.xlm_roberta import XLM_ROBERTA_FAMILY
from skencoder.encoder import EncoderConfig, HeadConfig
from skencoder.errors import CheckpointError

FAMILIES: dict[str, Family] = {
    "bert": BERT_FAMILY,
    "distilbert": DISTILBERT_FAMILY,
    "roberta": ROBERTA_FAMILY,
    "camembert": CAMEMBERT_FAMILY,
    "xlm-roberta": XLM_ROBERTA_FAMILY,
    "mpnet": MPNET_FAMILY,
    "electra": ELECTRA_FAMILY,
    "albert": ALBERT_FAMILY,
    "modernbert": MODERNBERT_FAMILY,
    "nomic_bert": NOMIC_BERT_FAMILY,
    "gte": GTE_FAMILY,
    "new": GTE_FAMILY,
    "eurobert": EUROBERT_FAMILY,
    "jina_embeddings_v3": JINA_V3_FAMILY,
}
# What the authors' own code reads is written as what transformers reads.
WRITTEN_AS = {"new": "gte"}


def write_config(
    config: EncoderConfig, head: HeadConfig | None = None, model_type: str | None = None
) -> dict[str, Any]:
    """Find a family that computes just this, and write its ``config.json``.

    Parameters
    ----------
    config : EncoderConfig
        Of the encoder.
    head : HeadConfig or None, default=None
        Of the masked-language-model head, if there is one.
    model_type : str or None, default=None
        The family; None takes the first that says the same.

    Returns
    -------
    dict
        The file's fields.

    Raises
    ------
    CheckpointError
        If no family (or not this one) has all these parts.
    """
    for name in (model_type,) if model_type else FAMILIES:
        published = _try_family(WRITTEN_AS.get(name, name), config, head)
        if published is not None:
            return published
    raise CheckpointError(
        f"{model_type or 'No published family'} has just these parts, so no other library could "
        f"load them: {config}{f', {head}' if head else ''}. Families are {', '.join(FAMILIES)}."
    )


def _try_family(
    name: str, config: EncoderConfig, head: HeadConfig | None
) -> dict[str, Any] | None:
    if name not in FAMILIES:
        raise CheckpointError(
            f"model_type={name!r} is unknown; families are {', '.join(FAMILIES)}."
        )
    family, path = FAMILIES[name], Path("config.json")
    if "type_vocab_size" in family.fields and not config.type_vocab_size:
        if not family.writes_no_segments:
            return None
    published = {"model_type": name, **family.write_config(config, head)}
    try:
        same = family.read_config(published, path) == config
        same = same and (head is None or family.read_head(published, path) == head)
    except CheckpointError:
        return None
    return published if same else None

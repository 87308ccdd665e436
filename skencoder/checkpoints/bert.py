"""BERT (Devlin et al. 2019, arXiv:1810.04805), also of MiniLM, TinyBERT, bge, e5 and gte."""

from skencoder.checkpoints.family import Family

STANDARD_FIELDS = {
    name: name
    for name in (
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "hidden_act",
        "max_position_embeddings",
        "type_vocab_size",
        "layer_norm_eps",
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
    )
}
# What the first published files leave out, as the code of their time took it.
STANDARD_DEFAULTS = {
    "layer_norm_eps": 1e-12,
    "type_vocab_size": 2,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}
ENCODER_ONLY = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
_OURS = "layers.{i}"
_LAYER = "encoder.layer.{i}"
BERT_RENAMES = (
    ("embeddings.token", "embeddings.word_embeddings"),
    ("embeddings.positions.table", "embeddings.position_embeddings"),
    ("embeddings.token_type", "embeddings.token_type_embeddings"),
    ("embeddings.norm", "embeddings.LayerNorm"),
    (f"{_OURS}.attention.sublayer.query", f"{_LAYER}.attention.self.query"),
    (f"{_OURS}.attention.sublayer.key", f"{_LAYER}.attention.self.key"),
    (f"{_OURS}.attention.sublayer.value", f"{_LAYER}.attention.self.value"),
    (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.attention.output.dense"),
    (f"{_OURS}.attention.norm", f"{_LAYER}.attention.output.LayerNorm"),
    (f"{_OURS}.feed_forward.sublayer.expand", f"{_LAYER}.intermediate.dense"),
    (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.output.dense"),
    (f"{_OURS}.feed_forward.norm", f"{_LAYER}.output.LayerNorm"),
)
# The pooler served pretraining; classifiers other tasks; position_ids is a buffer of 0, 1, 2, ...
IGNORED = (
    r"pooler\..*",
    r"classifier\..*",
    r"qa_outputs\..*",
    r"embeddings\.position_ids",
    r"embeddings\.token_type_ids",
    # TinyBERT's maps to its teacher's width.
    r"fit_denses?\..*",
)

BERT_FAMILY = Family(
    architectures=("BertModel", "BertForMaskedLM"),
    fields=STANDARD_FIELDS,
    defaults=STANDARD_DEFAULTS,
    expected=ENCODER_ONLY,
    renames=(
        *BERT_RENAMES,
        ("head.transform", "cls.predictions.transform.dense"),
        ("head.norm", "cls.predictions.transform.LayerNorm"),
        ("head.decoder", "cls.predictions.decoder"),
    ),
    aliases={"cls.predictions.bias": "cls.predictions.decoder.bias"},
    prefixes=("bert.",),
    ignored=(*IGNORED, r"cls\..*"),
    head_fields={"activation": "hidden_act", "tied": "tie_word_embeddings"},
)

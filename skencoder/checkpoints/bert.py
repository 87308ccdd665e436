"""BERT (Devlin et al. 2019, arXiv:1810.04805), also of MiniLM, bge, gte and e5."""

from skencoder.checkpoints.family import Family

_LAYER = "encoder.layer.{i}"

BERT_FAMILY = Family(
    sizes=(
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "type_vocab_size",
        "layer_norm_eps",
    ),
    fixed={"positions": "learned", "norm_position": "post"},
    expected={
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
    },
    renames=(
        ("embeddings.token", "embeddings.word_embeddings"),
        ("embeddings.positions", "embeddings.position_embeddings"),
        ("embeddings.token_type", "embeddings.token_type_embeddings"),
        ("embeddings.norm", "embeddings.LayerNorm"),
        ("layers.{i}.attention.sublayer.query", f"{_LAYER}.attention.self.query"),
        ("layers.{i}.attention.sublayer.key", f"{_LAYER}.attention.self.key"),
        ("layers.{i}.attention.sublayer.value", f"{_LAYER}.attention.self.value"),
        ("layers.{i}.attention.sublayer.output", f"{_LAYER}.attention.output.dense"),
        ("layers.{i}.attention.norm", f"{_LAYER}.attention.output.LayerNorm"),
        ("layers.{i}.feed_forward.sublayer.expand", f"{_LAYER}.intermediate.dense"),
        ("layers.{i}.feed_forward.sublayer.contract", f"{_LAYER}.output.dense"),
        ("layers.{i}.feed_forward.norm", f"{_LAYER}.output.LayerNorm"),
    ),
    prefix="bert.",
    # The pooler and the heads serve pretraining; position_ids is a buffer of 0, 1, 2, ...
    ignored=(r"pooler\..*", r"cls\..*", r"embeddings\.position_ids"),
)

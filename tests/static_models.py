"""Small static models as two libraries write them, and a small Transformer to make one of."""

import json

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from skencoder.checkpoints import SentenceSettings, save_checkpoint
from skencoder.encoder import Encoder, EncoderConfig

TOKENS = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]"]
TOKENS += ["the", "a", "cat", "dog", "sat", "mat", "##s", "!", "new", "york", "wall", "street"]
TEXTS = ["the cat sat", "a dog!", "Cats sat", "the xylophone", "xylophone", "", " ", "[CLS] mat"]
# The ids that both libraries look up, special tokens aside; an unknown token is 2.
IDS = [[5, 7, 9], [6, 8, 12], [7, 11, 9], [5, 2], [2], [], [], [3, 10]]


def make_tokenizer():
    """Make BERT's kind of tokenizer, with all that a static model must not look at."""
    vocabulary = {token: id_ for id_, token in enumerate(TOKENS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=8)
    return tokenizer


def make_table(width=6, rows=17):
    return np.random.default_rng(0).normal(size=(rows, width)).astype(np.float32)


def write_model2vec(folder, table=None, *, modules=True, tensors=(), **config):
    """Write a folder as model2vec does."""
    folder.mkdir(exist_ok=True)
    table = make_table() if table is None else table
    save_file({"embeddings": table, **dict(tensors)}, folder / "model.safetensors")
    make_tokenizer().save(str(folder / "tokenizer.json"))
    fields = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True}
    (folder / "config.json").write_text(json.dumps(fields | config))
    if modules:
        write_modules(folder, ("StaticEmbedding", "."), ("Normalize", "1_Normalize"))
    return folder


def write_sentence_transformers(folder, place="0_StaticEmbedding", *, normalize=True):
    """Write a folder as sentence-transformers does."""
    (folder / place).mkdir(parents=True, exist_ok=True)
    save_file({"embedding.weight": make_table()}, folder / place / "model.safetensors")
    make_tokenizer().save(str(folder / place / "tokenizer.json"))
    (folder / "config_sentence_transformers.json").write_text('{"similarity_fn_name": "cosine"}')
    last = [("Normalize", "1_Normalize")] if normalize else []
    write_modules(folder, ("StaticEmbedding", place), *last)
    return folder


def write_modules(folder, *steps):
    entries = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(steps)
    ]
    (folder / "modules.json").write_text(json.dumps(entries))


def expected_vectors(table, *, drop_unknown=True, normalize=True):
    """Work out by hand what `TEXTS` give."""
    kept = [[id_ for id_ in ids if id_ != 2 or not drop_unknown] for ids in IDS]
    means = [table[ids].mean(0) if ids else np.zeros(table.shape[1]) for ids in kept]
    vectors = np.array(means, np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1) if normalize else vectors


def write_teacher(folder, tokenizer=None, **settings):
    """Write a small random Transformer."""
    tokenizer = tokenizer or make_tokenizer()
    place = folder.parent / f"{folder.name}-tokenizer"
    place.mkdir()
    tokenizer.save(str(place / "tokenizer.json"))
    torch.manual_seed(0)
    config = EncoderConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
    )
    encoder = Encoder(config)
    # Weights as new as those of `Encoder` give all tokens about the same vector.
    torch.nn.init.normal_(encoder.embeddings.token.weight)
    return save_checkpoint(
        folder, encoder, tokenizer_folder=place, settings=SentenceSettings(**settings)
    )

"""Small tokenizers of every kind, made here, and the texts they are tried on."""

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE, Unigram, WordPiece

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# What words are made of and what stands between them, as awkward as it gets.
AWKWARD = [
    *(" ", "  ", "\n", "\t", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000"),
    *("\x00", "\x7f", "\ufffd", "\u200b", "\u200d", "\ufeff", "\u0301", "\u0323", "\u0345"),
    *("\u03a3", "\u03c2", "\u0130", "\u00df", "\ufb01", "\u00e9", "e\u0301", "\u4e2d"),
    *("a", "B", "the", "token", "ization", "##s", "#", "'", "'s", "!", "...", "12", "_"),
    *("[CLS]", "[MASK]", "[mask]", "[UNK]x", "[", "]", "new york", "new", "york", "\U0001f600"),
]


def word_pieces(texts, *, normalizer=None, pre_tokenizer=None, added=()):
    """As BERT's, unless told otherwise."""
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizer or normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    _train(tokenizer, trainers.WordPieceTrainer, texts)
    tokenizer.add_tokens(list(added))
    return tokenizer


def byte_pairs(texts, *, normalizer=None, lstrip=False):
    """As RoBERTa's; with NFC as ModernBERT's."""
    tokenizer = Tokenizer(BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(tokenizer, trainers.BpeTrainer, texts, initial_alphabet=alphabet)
    if lstrip:
        tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True, special=True)])
    return tokenizer


def sentence_pieces(texts):
    """As XLM-R's."""
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    _train(tokenizer, trainers.UnigramTrainer, texts, unk_token="[UNK]")
    return tokenizer


def _train(tokenizer, trainer, texts, **options):
    options = {"vocab_size": 600, "special_tokens": SPECIAL, "show_progress": False, **options}
    tokenizer.train_from_iterator(texts, trainer(**options))

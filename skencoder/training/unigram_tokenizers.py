"""Unigram tokenizers: the library chooses the pieces, their probabilities are counted here."""

import json
from collections import Counter
from math import log

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import Unigram

from skencoder.training.tokenizer_parts import ROBERTA_TOKENS, Corpus, frame, train_on_words
from skencoder.training.word_counts import count_characters, count_words

# How many are cut in one call; what the library gives for each takes about a kilobyte.
_WORDS_AT_ONCE = 10_000


def train_unigram(corpus: Corpus) -> Tokenizer:
    """Train as XLM-RoBERTa's: the most probable pieces, a space written as part of a word.

    Parameters
    ----------
    corpus : Corpus
        Texts and limits; ``min_frequency`` has no meaning here.

    Returns
    -------
    tokenizers.Tokenizer
        Characters in their compatible form (NFKC); ``<s> A </s>`` around a text.

    References
    ----------
    .. [1] Kudo (2018), Subword Regularization, arXiv:1804.10959, section 3.2; Conneau et al.
       (2020), XLM-R, arXiv:1911.02116.
    """
    lower = [normalizers.Lowercase()] if corpus.lowercase else []
    spaces = normalizers.Replace(Regex(r"\s+"), " ")
    normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), spaces, *lower])
    words = count_words(corpus.texts, normalizer, pre_tokenizers.WhitespaceSplit())
    # One more for the space.
    corpus.check_alphabet(len(ROBERTA_TOKENS) + len(count_characters(words)) + 1)
    trainer = trainers.UnigramTrainer(
        vocab_size=corpus.vocab_size,
        special_tokens=list(ROBERTA_TOKENS),
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer = _recounted(train_on_words(_metaspace(Unigram()), words, trainer), words)
    tokenizer.normalizer = normalizer
    return frame(tokenizer, ROBERTA_TOKENS, "<s> $A </s>", "<s> $A </s> </s> $B </s>")


def _metaspace(model: Unigram) -> Tokenizer:
    tokenizer = Tokenizer(model)
    # Splitting at whitespace first makes one word boundary of any run of spaces.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def _recounted(trained: Tokenizer, words: Counter[str]) -> Tokenizer:
    """Give each piece the log of its share of all pieces, over the best cut of every word.

    The library sums in another order in each process. Its scores, rounded, only say how words are
    cut; whole numbers are then counted, which have no order.
    """
    stored = json.loads(trained.to_str())["model"]["vocab"][len(ROBERTA_TOKENS) :]
    rough = {piece: round(score, 2) for piece, score in stored}
    counts: Counter[str] = Counter()
    cutter, ordered = _unigram(rough), sorted(words)
    for start in range(0, len(ordered), _WORDS_AT_ONCE):
        batch = ordered[start : start + _WORDS_AT_ONCE]
        for word, cut in zip(batch, cutter.encode_batch(batch), strict=True):
            for piece in cut.tokens:
                counts[piece] += words[word]
    # A piece that is in no best cut stays, as half a one.
    total = counts.total()
    return _unigram({piece: log(max(counts[piece], 0.5) / total) for piece in rough})


def _unigram(scores: dict[str, float]) -> Tokenizer:
    special = [(token, 0.0) for token in ROBERTA_TOKENS]
    pieces = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return _metaspace(Unigram(special + pieces, ROBERTA_TOKENS.index("<unk>")))

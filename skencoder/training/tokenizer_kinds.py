"""What each kind of tokenizer is made of, in the conventions of the models published with it.

Checks and files stand in new_tokenizers.py. Rooms that only read tokenizers need none of this.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import log

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from tokenizers.models import BPE, Unigram, WordPiece

from skencoder.training.word_counts import (
    check_stream,
    count_characters,
    count_words,
    repeat_words,
)

# In the order of their ids, first is 0.
BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_CONTINUES = "##"
# How many are cut in one call; what the library gives for each takes about a kilobyte.
_WORDS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Corpus:
    """What a tokenizer is trained on, and how.

    Parameters
    ----------
    texts : iterable of str
        Gone through once.
    vocab_size : int
        Most tokens wanted, special ones included.
    lowercase : bool
        Whether texts are lowercased, now and whenever they are tokenized.
    min_frequency : int
        How often two pieces must stand together to become one.
    check_alphabet : callable
        Told how many tokens are needed before anything is learned; raises if they do not fit.
    """

    texts: Iterable[str]
    vocab_size: int
    lowercase: bool
    min_frequency: int
    check_alphabet: Callable[[int], None]


def train_word_pieces(corpus: Corpus) -> Tokenizer:
    """Train as BERT's: whole words where frequent, else pieces, ``##`` before what continues.

    Parameters
    ----------
    corpus : Corpus
        Texts and limits.

    Returns
    -------
    tokenizers.Tokenizer
        Accents fall away with the capitals; ``[CLS] A [SEP]`` around a text.

    References
    ----------
    .. [1] Wu et al. (2016), Google's Neural Machine Translation System, arXiv:1609.08144,
       section 4.1; Devlin et al. (2019), BERT, arXiv:1810.04805.
    """
    normalizer = normalizers.BertNormalizer(lowercase=corpus.lowercase)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = count_words(corpus.texts, normalizer, splitter)
    continuing = sorted({_CONTINUES + character for word in words for character in word[1:]})
    corpus.check_alphabet(len(BERT_TOKENS) + len(count_characters(words)) + len(continuing))
    # Named beforehand their ids are fixed, and with them which of equally frequent pairs is first.
    trainer = trainers.WordPieceTrainer(
        vocab_size=corpus.vocab_size,
        min_frequency=corpus.min_frequency,
        special_tokens=[*BERT_TOKENS, *continuing],
        show_progress=False,
    )
    counting = Tokenizer(WordPiece(unk_token="[UNK]"))
    vocabulary = _train(counting, words, trainer).get_vocab()
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece(prefix=_CONTINUES)
    return _frame(tokenizer, BERT_TOKENS, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")


def train_byte_pairs(corpus: Corpus) -> Tokenizer:
    """Train as RoBERTa's: pairs of bytes, so that no text has an unknown character.

    Parameters
    ----------
    corpus : Corpus
        Texts and limits.

    Returns
    -------
    tokenizers.Tokenizer
        A word's first piece has the space before it; ``<s> A </s>`` around a text.

    References
    ----------
    .. [1] Sennrich et al. (2016), arXiv:1508.07909, and, on bytes, Radford et al. (2019),
       Language Models are Unsupervised Multitask Learners, section 2.2.
    """
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    corpus.check_alphabet(len(ROBERTA_TOKENS) + len(alphabet))
    tokenizer = Tokenizer(BPE())
    if corpus.lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=corpus.vocab_size,
        min_frequency=corpus.min_frequency,
        special_tokens=_added(ROBERTA_TOKENS),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(check_stream(corpus.texts), trainer)
    first, _, last, *_ = ROBERTA_TOKENS
    tokenizer.post_processor = processors.RobertaProcessing(
        sep=(last, ROBERTA_TOKENS.index(last)),
        cls_token=(first, ROBERTA_TOKENS.index(first)),
        add_prefix_space=False,
    )
    return tokenizer


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
    tokenizer = _recounted(_train(_metaspace(Unigram()), words, trainer), words)
    tokenizer.normalizer = normalizer
    return _frame(tokenizer, ROBERTA_TOKENS, "<s> $A </s>", "<s> $A </s> </s> $B </s>")


TRAINERS: dict[str, Callable[[Corpus], Tokenizer]] = {
    "wordpiece": train_word_pieces,
    "bpe": train_byte_pairs,
    "unigram": train_unigram,
}
PAD_TOKEN_IDS = {
    "wordpiece": BERT_TOKENS.index("[PAD]"),
    "bpe": ROBERTA_TOKENS.index("<pad>"),
    "unigram": ROBERTA_TOKENS.index("<pad>"),
}


def _train(tokenizer: Tokenizer, words: Counter[str], trainer: trainers.Trainer) -> Tokenizer:
    if tokenizer.pre_tokenizer is None:
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(repeat_words(words), trainer)
    return tokenizer


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


def _frame(tokenizer: Tokenizer, special: tuple[str, ...], single: str, pair: str) -> Tokenizer:
    tokenizer.add_special_tokens(_added(special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[
            (token, tokenizer.token_to_id(token)) for token in special if token in single.split()
        ],
    )
    return tokenizer


def _added(special: tuple[str, ...]) -> list[AddedToken]:
    # Where a space is part of the word behind it, the mask stands for both.
    return [AddedToken(token, lstrip=token == "<mask>", special=True) for token in special]

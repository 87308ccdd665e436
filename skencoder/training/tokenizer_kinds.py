"""What each kind of tokenizer is made of, in the conventions of the models published with it.

Unigram has a file of its own; checks and files stand in new_tokenizers.py.
"""

from collections.abc import Callable

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, WordPiece

from skencoder.training.tokenizer_parts import (
    BERT_TOKENS,
    ROBERTA_TOKENS,
    Corpus,
    added,
    frame,
    train_on_words,
)
from skencoder.training.unigram_tokenizers import train_unigram
from skencoder.training.word_counts import check_stream, count_characters, count_words

_CONTINUES = "##"


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
    vocabulary = train_on_words(counting, words, trainer).get_vocab()
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece(prefix=_CONTINUES)
    return frame(tokenizer, BERT_TOKENS, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")


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
        special_tokens=added(ROBERTA_TOKENS),
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

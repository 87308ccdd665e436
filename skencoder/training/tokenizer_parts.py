"""What the kinds of tokenizers share: the corpus, special tokens, and the frame around a text."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tokenizers import AddedToken, Tokenizer, pre_tokenizers, processors, trainers

from skencoder.training.word_counts import repeat_words

# In the order of their ids, first is 0.
BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


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


def train_on_words(
    tokenizer: Tokenizer, words: Counter[str], trainer: trainers.Trainer
) -> Tokenizer:
    """Train a tokenizer on counted words.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Changed in place; without a pre-tokenizer words are taken as they are.
    words : Counter of str
        How often each stands in the corpus.
    trainer : Trainer
        Of the tokenizer's model.

    Returns
    -------
    tokenizers.Tokenizer
        The same one.
    """
    if tokenizer.pre_tokenizer is None:
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(repeat_words(words), trainer)
    return tokenizer


def frame(tokenizer: Tokenizer, special: tuple[str, ...], single: str, pair: str) -> Tokenizer:
    """Tell a tokenizer its special tokens and where they stand.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        With these tokens in its vocabulary; changed in place.
    special : tuple of str
        The tokens.
    single, pair : str
        What stands around one text, and two.

    Returns
    -------
    tokenizers.Tokenizer
        The same one.
    """
    tokenizer.add_special_tokens(added(special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[
            (token, tokenizer.token_to_id(token)) for token in special if token in single.split()
        ],
    )
    return tokenizer


def added(special: tuple[str, ...]) -> list[AddedToken]:
    """Say how special tokens are looked for in a text.

    Parameters
    ----------
    special : tuple of str
        The tokens.

    Returns
    -------
    list of AddedToken
        In the same order.
    """
    # Where a space is part of the word behind it, the mask stands for both.
    return [AddedToken(token, lstrip=token == "<mask>", special=True) for token in special]

"""A corpus as a tokenizer's trainer sees it: how often each word stands in it.

Counted here and not in the library, whose own table has another order in each process, so that
the same texts would give another vocabulary.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from tokenizers.normalizers import Normalizer
from tokenizers.pre_tokenizers import PreTokenizer

from skencoder.errors import TextInputError

# The most frequent characters are kept, all of them in most languages, and of the others those
# that are needed to cover this share of the text (what SentencePiece covers by default).
SAFE_ALPHABET, COVERAGE = 1000, 0.9995
# Repeated words are handed on in lines of so many, a few kilobytes each.
_WORDS_PER_LINE = 1000


def check_stream(texts: Iterable[str]) -> Iterator[str]:
    """Hand texts on, one by one, and refuse what no tokenizer can read.

    Parameters
    ----------
    texts : iterable of str
        The corpus; it is gone through once.

    Yields
    ------
    str
        The same texts.

    Raises
    ------
    TextInputError
        If it is one string, or a row is no string or holds half a character (a lone surrogate).
    """
    if isinstance(texts, str):
        raise TextInputError(f"An iterable of texts was expected; got one string, {texts[:40]!r}.")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TextInputError(f"Row {row} is a {type(text).__name__}; a str was expected.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TextInputError(
                f"Row {row} holds half a character (a lone surrogate) at place {error.start}; "
                f"repair the text, for instance with text.encode('utf-8', 'replace').decode()."
            ) from error
        yield text


def count_words(
    texts: Iterable[str], normalizer: Normalizer, splitter: PreTokenizer
) -> Counter[str]:
    """Count the words of a corpus.

    Parameters
    ----------
    texts : iterable of str
        The corpus; it is gone through once.
    normalizer : Normalizer
        What is done to each text first.
    splitter : PreTokenizer
        What cuts it into words.

    Returns
    -------
    Counter of str
        Words without rare characters, where the corpus has more than 1,000 different ones.
    """
    words: Counter[str] = Counter()
    for text in check_stream(texts):
        pieces = splitter.pre_tokenize_str(normalizer.normalize_str(text))
        words.update(word for word, _ in pieces)
    return _without_rare_characters(words)


def count_characters(words: Counter[str]) -> Counter[str]:
    """Count the characters of counted words.

    Parameters
    ----------
    words : Counter of str
        How often each word stands in the corpus.

    Returns
    -------
    Counter of str
        How often each character does.
    """
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    return characters


def repeat_words(words: Counter[str]) -> Iterator[str]:
    """Write a corpus that has these words as often.

    Parameters
    ----------
    words : Counter of str
        How often each word stands in it.

    Yields
    ------
    str
        Lines of one word, repeated, with spaces between.
    """
    for word in sorted(words):
        whole, rest = divmod(words[word], _WORDS_PER_LINE)
        for times in (*[_WORDS_PER_LINE] * whole, rest):
            yield f"{word} " * times


def _without_rare_characters(words: Counter[str]) -> Counter[str]:
    characters = count_characters(words)
    ordered = sorted(characters, key=lambda character: (-characters[character], character))
    if len(ordered) <= SAFE_ALPHABET:
        return words
    covered, kept = 0, set[str]()
    for character in ordered:
        if len(kept) >= SAFE_ALPHABET and covered >= COVERAGE * characters.total():
            break
        covered += characters[character]
        kept.add(character)
    return Counter({word: count for word, count in words.items() if kept.issuperset(word)})

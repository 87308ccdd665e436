"""Texts that two tokenizers must read alike before one takes the other's place.

Always the same texts for the same vocabulary. What is done with the answer stands in `fast`.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from tokenizers import Tokenizer

from skencoder.tokenization.flat import TokenizedTexts

Tokenize = Callable[[list[str]], TokenizedTexts]

# Entries of the vocabulary that are read again as text, spread over all of it.
MOST_ENTRIES = 10_000
# Code points from here to there are looked at, of alike ones every 29th.
_FIRST, _LAST = 0x80, 0x20000
_STEP = 29
# Thousands of alike characters: ideographs, Hangul, private ones, Tangut.
_ALIKE = (
    range(0x3400, 0xA000),
    range(0xAC00, 0xD7A4),
    range(0xE000, 0xF900),
    range(0x17000, 0x19000),
)
_LONE_SURROGATE, _UNASSIGNED = "Cs", "Cn"
# How vocabularies write the space before a word.
_WRITTEN_SPACES = "\u0120\u2581"
# Marks below, above, overlaid, attached: their order among others is what libraries disagree on.
_MARKS = "\u0301\u0323\u0345\u0334\u3099\u05b0"

_ASCII = (
    "",
    " ",
    "   ",
    "\n\n \t\r\n",
    " leading and trailing ",
    "a  b   c    d\n\ne\r\n\r\nf\t\tg \n h",
    "I'll can't WE'VE they'd it's o'clock 'quoted' don''t",
    "12,345.67 1e-9 0x1F 2026-01-31T23:59 +44 1234567890123456789012345678901234567890",
    "https://user:pass@example.org:8080/path/?q=a%20b&c=d#e mail@example.org",
    "def f(x, *args): return {'a': [x ** 2 for _ in range(10)]}  # comment\n    pass",
    "camelCase snake_case SCREAMING_CASE kebab-case file.tar.gz C++ C# .NET",
    "-----====!!!!????....,,,,;;;;((((]]]]<<<<>>>>$$$$",
    "a" * 99,
    "b" * 100,
    "c" * 101,
    "d" * 255 + " " + "e" * 5000,
    "supercalifragilisticexpialidocious" * 9,
    "word " * 3000,
)
_OTHER = (
    "Cr\u00e8me br\u00fbl\u00e9e \u00e0 la carte, \u00dcbergr\u00f6\u00dfentr\u00e4ger, na"
    "\u00efve caf\u00e9, ma\u00f1ana, \u0141\u00f3d\u017a, \u0110or\u0111e",
    "CRE\u0300ME BRU\u0302LE\u0301E e\u0301 \u00e9 \ufb01 \u212b \u1e9e",
    "\u0130\u0131 \u0391\u03a3 \u03a3\u03c3\u03c2 \u039f\u0394\u039f\u03a3.",
    "\u201cquotes\u201d \u2018single\u2019 it\u2019s \u2014 dash \u2026 \u20ac 5 \u00bd "
    "\u00b2 \u2122 soft\u00adhyphen",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0419 \u0438\u0306",
    "\u0393\u03b5\u03b9\u03ac \u03c3\u03bf\u03c5 \u03ba\u03cc\u03c3\u03bc\u03b5",
    "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e",
    "\u09ac\u09be\u0982\u09b2\u09be \u0ba4\u0bae\u0bbf\u0bb4\u0bcd",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01",
    "\u1019\u103c\u1014\u103a\u1019\u102c \u1781\u17d2\u179f\u17c2",
    "\u4f60\u597d\u4e16\u754c\uff0c\u3053\u3093\u306b\u3061\u306f\u4e16\u754c",
    "\uc548\ub155\ud558\uc138\uc694 \u3067\u3099 \u1100\u1161\u11a8",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "\U0001f44d\U0001f3fd \u2764\ufe0f x\U0001f600y",
    "zero\u200bwidth\u200djoiner\ufeff \u202eright\u202c \u2060 \ufffd \ufffc",
    "\u00a0nbsp\u3000wide\u2028line\u2029paragraph\u0085next",
    "\U0001d49c\U0001d4c1\U0001d4c5 \U00020000\U0002a6d6 \U000e0041",
    "\uff21\uff22\uff23 \u2460\u33a1",
    "\u0301 \u0301\u0301 a\u0301\u0323\u0345 \u0300",
    "\u4f60" * 500,
)


def ascii_texts(tokenizer: Tokenizer) -> list[str]:
    """Give texts of ASCII characters.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Its vocabulary and its added tokens are read as text, too.

    Returns
    -------
    list of str
        Every character before and after every other, words, blanks, code, long words.
    """
    characters = [chr(code) for code in range(128)]
    pairs = ["".join(first + second for second in characters) for first in characters]
    spaced = [" ".join(first + second for second in characters) for first in characters]
    return [*_ASCII, *pairs, *spaced, *(t for t in _from_vocabulary(tokenizer) if t.isascii())]


def other_texts(tokenizer: Tokenizer) -> list[str]:
    """Give texts with other characters.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Its vocabulary and its added tokens are read as text, too.

    Returns
    -------
    list of str
        Every kind of character in a word and alone, marks in every order, scripts, emoji.
    """
    lone = ["".join(f"x{c}Y " for c in block) for block in _blocks(list(_characters()))]
    marks = [chr(code) for code in range(_FIRST, _LAST) if unicodedata.combining(chr(code))]
    marked = [
        "".join(f"o{mark}{other}a{other}{mark}" for other in _MARKS for mark in block)
        for block in _blocks(marks)
    ]
    vocabulary = [text for text in _from_vocabulary(tokenizer) if not text.isascii()]
    return [*_OTHER, *lone, *marked, *vocabulary]


def first_difference(expected: Tokenize, found: Tokenize, texts: list[str]) -> str | None:
    """Look for a text that two tokenizers read differently.

    Parameters
    ----------
    expected, found : callable
        Map texts to their ids.
    texts : list of str
        What they are compared on.

    Returns
    -------
    str or None
        The first such text; None if there is none.
    """
    theirs, ours = expected(texts), found(texts)
    if np.array_equal(theirs.offsets, ours.offsets) and np.array_equal(
        theirs.input_ids, ours.input_ids
    ):
        return None
    for row, text in enumerate(texts):
        rows = np.array([row])
        if row >= len(ours) or not np.array_equal(
            theirs.take_rows(rows).input_ids, ours.take_rows(rows).input_ids
        ):
            return text
    return texts[-1]


def _characters() -> Iterator[str]:
    alike = {code for codes in _ALIKE for code in codes}
    for code in range(_FIRST, _LAST):
        kind = unicodedata.category(chr(code))
        seldom = code in alike or kind == _UNASSIGNED
        if kind != _LONE_SURROGATE and (not seldom or code % _STEP == 0):
            yield chr(code)


def _from_vocabulary(tokenizer: Tokenizer) -> Iterator[str]:
    entries = sorted(tokenizer.get_vocab(with_added_tokens=False))
    chosen = entries[:: max(1, -(-len(entries) // MOST_ENTRIES))]
    for space in _WRITTEN_SPACES:
        chosen = [entry.replace(space, " ") for entry in chosen]
    for plain in (True, False):
        words = [f" {entry.lstrip()}" for entry in chosen if entry.isascii() is plain]
        yield from map("".join, _blocks(words))
    for token in tokenizer.get_added_tokens_decoder().values():
        name = token.content
        yield f"{name} a{name}b {name}{name}. {name.upper()} {name.lower()} \n{name}\n  {name[1:]}"


def _blocks(pieces: Sequence[str], size: int = 200) -> Iterator[Sequence[str]]:
    return (pieces[start : start + size] for start in range(0, len(pieces), size))

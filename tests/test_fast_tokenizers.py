"""A faster tokenizer is used where it gives the library's ids, and nowhere else."""

import os
import subprocess
import sys
import unicodedata
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from tokenizers import normalizers
from tokenizers.models import WordPiece

from skencoder.errors import TokenizerWarning
from skencoder.tokenization import TextTokenizer, fast
from skencoder.tokenization.fast import PACKAGES, FastPackage, open_fast_tokenizer
from skencoder.tokenization.flat import TokenizedTexts
from skencoder.tokenization.library import library_ids
from skencoder.tokenization.parity import ascii_texts, first_difference, other_texts
from tests.conftest import HOSTILE_TEXTS, REPOSITORY
from tests.test_word_memory import assert_same
from tests.tokenizers import AWKWARD, byte_pairs, sentence_pieces, word_pieces


@pytest.fixture(scope="module")
def library(docs):
    return word_pieces(docs.data[:50])


class Rewriting:
    """A tokenizer that is wrong in one way: it changes the texts before it reads them."""

    def __init__(self, library, change):
        self.library, self.change, self.read_texts = library, change, []

    def __call__(self, texts):
        self.read_texts += texts
        return library_ids(self.library, [self.change(text) for text in texts])


def package(read, name="json", model=WordPiece):
    """As if it were an installed one."""
    return FastPackage(name, model, lambda tokenizer_json: read)


ASCII_MISTAKES = {
    "one character is lost": lambda text: text.replace("~", ""),
    "a control character is a space": lambda text: text.replace("\x0b", " "),
    "a control character is lost": lambda text: text.replace("\n", ""),
    "a special token is read as text": lambda text: text.replace("[MASK]", "[ MASK ]"),
    "long words are cut": lambda text: " ".join(word[:100] for word in text.split(" ")),
    "long texts are cut": lambda text: text[:10_000],
    "an empty text has a token": lambda text: text or "a",
}
OTHER_MISTAKES = {
    "accents stay": lambda text: text.replace("\u00e9", "E x"),
    "marks are composed": lambda text: unicodedata.normalize("NFKC", text),
    "an emoji is lost": lambda text: text.replace("\U0001f600", ""),
    "ideographs are not parted": lambda text: text.replace("\u4f60\u597d", "x"),
    "a dotless i": lambda text: text.replace("\u0130", "?"),
    "a wide space is none": lambda text: text.replace("\u3000", ""),
    "a mark nobody writes": lambda text: text.replace("\u1df5", " "),
}


@pytest.mark.parametrize("mistake", ASCII_MISTAKES)
def test_wrong_on_plain_text_is_not_used(library, docs, monkeypatch, mistake):
    wrong = Rewriting(library, ASCII_MISTAKES[mistake])
    monkeypatch.setattr(fast, "PACKAGES", (package(wrong),))
    with pytest.warns(TokenizerWarning, match="json is installed but not used .* ids differ"):
        tokenizer = TextTokenizer(library)
    wrong.read_texts.clear()
    texts = [*HOSTILE_TEXTS, *docs.data[:20]]
    assert_same(tokenizer.tokenize(texts), library_ids(library, texts))
    assert not wrong.read_texts


@pytest.mark.parametrize("mistake", OTHER_MISTAKES)
def test_wrong_elsewhere_is_used_for_plain_text(library, docs, monkeypatch, mistake):
    wrong = Rewriting(library, OTHER_MISTAKES[mistake])
    monkeypatch.setattr(fast, "PACKAGES", (package(wrong),))
    tokenizer = TextTokenizer(library)
    wrong.read_texts.clear()
    texts = [*HOSTILE_TEXTS, *docs.data[:20], "\u00e9", "e", "\u3000", *AWKWARD]
    for some in (texts, ["a", "b"], ["\u00e9"], ["\u00e9", "a", "\u4f60\u597d", "b"]):
        assert_same(tokenizer.tokenize(some), library_ids(library, some))
    assert wrong.read_texts and all(text.isascii() for text in wrong.read_texts)


def test_right_is_used_for_all(library, docs, monkeypatch):
    right = Rewriting(library, str)
    monkeypatch.setattr(fast, "PACKAGES", (package(right),))
    tokenizer = TextTokenizer(library)
    right.read_texts.clear()
    texts = [*HOSTILE_TEXTS, *docs.data[:20]]
    assert_same(tokenizer.tokenize(texts), library_ids(library, texts))
    assert right.read_texts == texts
    assert len(tokenizer.tokenize([])) == 0


class Fewer(Rewriting):
    """One that leaves out the last text."""

    def __call__(self, texts):
        return super().__call__(texts[:-1])


class Empty:
    """One that gives nothing at all."""

    def __call__(self, texts):
        return TokenizedTexts(np.zeros(0, np.int32), np.zeros(1, np.int64))


def test_an_answer_of_another_shape_is_a_difference(library):
    expected = partial(library_ids, library)
    for wrong in (Fewer(library, str), Empty()):
        assert first_difference(expected, wrong, ["a", "b", "c"]) is not None


def test_what_cannot_read_the_file_says_why(library):
    def refuse(tokenizer_json):
        raise RuntimeError("no such model here\nand more")

    with pytest.warns(TokenizerWarning, match="not used .*: no such model here"):
        assert open_fast_tokenizer(library, [FastPackage("json", WordPiece, refuse)]) is None


def test_nothing_is_said_of_what_is_not_installed(library):
    right = Rewriting(library, str)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_fast_tokenizer(library, [package(right, name="no_such_package")]) is None
    assert not right.read_texts


def test_nothing_is_tried_on_another_kind(docs):
    right = Rewriting(None, str)
    assert open_fast_tokenizer(sentence_pieces(docs.data[:50]), [package(right)]) is None


def test_compared_on_the_same_texts_every_time(library):
    for make in (ascii_texts, other_texts):
        assert make(library) == make(library)
    assert all(text.isascii() for text in ascii_texts(library))


# What each real package knows, by the name it is installed under.
REAL = {
    "nanotoken": word_pieces,
    "gigatoken": partial(byte_pairs, lstrip=True),
    "gigatoken, composing": partial(byte_pairs, normalizer=normalizers.NFC()),
}


@pytest.fixture(scope="module", params=REAL)
def real(request, docs):
    name = request.param.split(",")[0]
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed: pip install 'skencoder[fast-tokenizers]'")
    library = REAL[request.param](docs.data[:200])
    with warnings.catch_warnings():
        warnings.simplefilter("error", TokenizerWarning)
        opened = open_fast_tokenizer(library)
    assert opened is not None and opened.package == name
    return library, TextTokenizer(library)


@pytest.mark.parity
def test_real_packages_give_the_same_ids(real, docs):
    library, tokenizer = real
    rng = np.random.default_rng(0)
    drawn = ["".join(rng.choice(AWKWARD, rng.integers(0, 40))) for _ in range(3000)]
    codes = rng.integers(0x20, 0xD800, (500, 30))
    foreign = ["".join(map(chr, row)) for row in codes]
    long = " ".join(docs.data)[:1_500_000]
    for texts in ([*HOSTILE_TEXTS, *docs.data], drawn, foreign, [long, "short"], [""], ["", ""]):
        assert_same(tokenizer.tokenize(texts), library_ids(library, texts))


@pytest.mark.parity
def test_real_packages_in_threads(real, docs):
    library, tokenizer = real
    lots = [docs.data[start : start + 50] for start in range(0, 1000, 50)]
    with ThreadPoolExecutor(4) as pool:
        for lot, found in zip(lots, pool.map(tokenizer.tokenize, lots), strict=True):
            assert_same(found, library_ids(library, lot))


FORK = """
import os, sys
from tokenizers import Tokenizer
from skencoder.tokenization import TextTokenizer
tokenizer = TextTokenizer(Tokenizer.from_file(sys.argv[1]))
texts = [f"text {number} of several words, for a fork" for number in range(60_000)]
expected = tokenizer.tokenize(texts).input_ids
child = os.fork()
if not child:
    os._exit(int(tokenizer.tokenize(texts).input_ids.tolist() != expected.tolist()))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parity
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_real_packages_after_a_fork(real, tmp_path):
    real[0].save(str(tmp_path / "tokenizer.json"))
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path / "tokenizer.json")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=REPOSITORY,
    )
    assert done.stdout.strip() == "0", done.stderr


def test_packages_are_named_once():
    assert len({found.name for found in PACKAGES}) == len(PACKAGES)

"""Words that are remembered get the ids that the library gives to the whole text."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers

from skencoder.tokenization import TextTokenizer, fast, words
from skencoder.tokenization.library import library_ids
from skencoder.tokenization.words import WordMemory, reads_words_alone
from tests.conftest import HOSTILE_TEXTS, REPOSITORY
from tests.tokenizers import AWKWARD, byte_pairs, sentence_pieces, word_pieces

TEXTS = st.lists(st.lists(st.sampled_from(AWKWARD) | st.text(max_size=4)).map("".join), min_size=1)


@pytest.fixture(scope="module")
def library(embedded_folder):
    tokenizer = Tokenizer.from_file(str(embedded_folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(scope="module")
def long_lived(library):
    """One memory for all drawn texts, so that most of their words are remembered."""
    return WordMemory(library)


def assert_same(found, expected):
    assert np.array_equal(found.offsets, expected.offsets)
    assert np.array_equal(found.input_ids, expected.input_ids)
    assert (found.input_ids.dtype, found.offsets.dtype) == (np.int32, np.int64)


@settings(deadline=None)
@given(texts=TEXTS)
def test_ids_are_those_of_the_whole_text(library, long_lived, texts):
    expected = library_ids(library, texts)
    assert_same(long_lived.encode(texts), expected)
    assert_same(long_lived.encode(texts), expected)
    assert_same(WordMemory(library).encode(texts), expected)


def test_real_and_hostile_texts(library, docs):
    memory, texts = WordMemory(library), [*HOSTILE_TEXTS, *docs.data[:500]]
    for _ in range(2):
        assert_same(memory.encode(texts), library_ids(library, texts))


def test_every_character_beside_others(library):
    codes = [code for code in range(0x30000) if not 0xD800 <= code < 0xE000]
    texts = [
        "".join(f"x{chr(code)}Y {chr(code)} " for code in codes[start : start + 300])
        for start in range(0, len(codes), 300)
    ]
    assert_same(WordMemory(library).encode(texts), library_ids(library, texts))


@pytest.mark.parametrize("limit", ["MOST_WORDS", "MOST_CHARACTERS"])
def test_what_is_too_much_is_forgotten(library, docs, monkeypatch, limit):
    monkeypatch.setattr(words, limit, 100)
    memory = WordMemory(library)
    for text in docs.data[:100]:
        assert_same(memory.encode([text]), library_ids(library, [text]))
        assert len(memory._numbers) <= 100


class Interrupted:
    """A tokenizer whose user presses Ctrl-C while some of its words are known."""

    def __init__(self, tokenizer):
        self.tokenizer, self.calls = tokenizer, 0

    def encode_batch(self, *args, **kwargs):
        self.calls += 1
        if self.calls == 2:
            raise KeyboardInterrupt
        return self.tokenizer.encode_batch(*args, **kwargs)


def test_an_interrupted_call_leaves_no_word_without_ids(library):
    memory = WordMemory(Interrupted(library))
    memory.encode(["one two"])
    with pytest.raises(KeyboardInterrupt):
        memory.encode(["two three four"])
    assert_same(memory.encode(["three one four"]), library_ids(library, ["three one four"]))


def test_threads_share_it(library, docs, monkeypatch):
    monkeypatch.setattr(words, "MOST_WORDS", 2000)
    memory = WordMemory(library)
    lots = [docs.data[start : start + 40] for start in range(0, 1200, 20)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(memory.encode, lots))
    for lot, ids in zip(lots, found, strict=True):
        assert_same(ids, library_ids(library, lot))


FORK = """
import os, sys, threading
from pathlib import Path
from skencoder.tokenization import TextTokenizer, fast
from skencoder.tokenization.library import library_ids
fast.PACKAGES = ()
tokenizer = TextTokenizer.load(Path(sys.argv[1]))
tokenizer.tokenize([f"a{n} b{n * 7} some words" for n in range(3000)])
unseen = [f"c{n} d{n * 7} some words" for n in range(3000)]
expected = library_ids(tokenizer._tokenizer, unseen).input_ids.tolist()
stop = threading.Event()
def go_on():
    number = 0
    while not stop.is_set():
        number += 1
        tokenizer.tokenize([f"new{number}x{k}" for k in range(50)])
thread = threading.Thread(target=go_on)
thread.start()
try:
    for _ in range(10):
        child = os.fork()
        if not child:
            os._exit(int(tokenizer.tokenize(unseen).input_ids.tolist() != expected))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
finally:
    stop.set()
    thread.join()
print("same")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_goes_on(embedded_folder):
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(embedded_folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=REPOSITORY,
    )
    assert done.stdout.strip() == "same", done.stderr


KINDS = {
    "word pieces": (True, word_pieces),
    "lowercased first": (
        True,
        lambda texts: word_pieces(
            texts,
            normalizer=normalizers.Sequence(
                [normalizers.Lowercase(), normalizers.BertNormalizer(lowercase=False)]
            ),
        ),
    ),
    "an added word": (True, lambda texts: word_pieces(texts, added=["york"])),
    "a word of its own": (
        True,
        lambda texts: word_pieces(texts, added=[AddedToken("new", single_word=True)]),
    ),
    "spaces stripped": (
        True,
        lambda texts: word_pieces(texts, added=[AddedToken("token", lstrip=True, rstrip=True)]),
    ),
    "two words as one token": (False, lambda texts: word_pieces(texts, added=["new york"])),
    "a token that becomes spaces": (False, lambda texts: word_pieces(texts, added=["\u4e2d"])),
    "cut at blanks only": (
        False,
        lambda texts: word_pieces(texts, pre_tokenizer=pre_tokenizers.WhitespaceSplit()),
    ),
    "words joined first": (
        False,
        lambda texts: word_pieces(texts, normalizer=normalizers.Replace("new york", "york")),
    ),
    "byte pairs": (False, byte_pairs),
    "sentence pieces": (False, sentence_pieces),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_tokenizer_is_read_otherwise_than_by_the_library(docs, monkeypatch, kind):
    monkeypatch.setattr(fast, "PACKAGES", ())
    alone, make = KINDS[kind]
    library = make(docs.data[:50])
    assert reads_words_alone(library) is alone
    tokenizer = TextTokenizer(library)
    texts = [*docs.data[:100], *(a + b for a in AWKWARD for b in AWKWARD), " ".join(AWKWARD)]
    assert_same(tokenizer.tokenize(texts), library_ids(library, texts))
    assert_same(tokenizer.tokenize(texts), library_ids(library, texts))

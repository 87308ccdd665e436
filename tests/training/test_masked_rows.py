"""Windows that a masked-language model reads: nothing twice, nothing lost, each token its word."""

import numpy as np
import pytest

from skencoder.errors import TrainingError
from skencoder.tokenization import TextTokenizer
from skencoder.training.masked_rows import read_masked_rows, whole_texts
from skencoder.training.new_tokenizers import train_tokenizer
from tests.training.corpora import docstrings

TEXTS = list(docstrings()[:20])


@pytest.fixture(scope="module", params=["wordpiece", "bpe", "unigram"])
def tokenizer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    train_tokenizer(docstrings(), folder / "it", kind=request.param, vocab_size=300)
    return TextTokenizer.load(folder / "it")


@pytest.fixture(scope="module")
def word_pieces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces")
    train_tokenizer(docstrings(), folder / "it", kind="wordpiece", vocab_size=300)
    return TextTokenizer.load(folder / "it")


def own_ids(rows, tokenizer):
    """The ids of each window, without the special tokens around it."""
    texts = np.split(rows.texts.input_ids, rows.texts.offsets[1:-1])
    return [ids[len(tokenizer.prefix) : len(ids) - len(tokenizer.suffix)] for ids in texts]


@pytest.mark.parametrize("max_length", [3, 17, 64, 10_000])
def test_every_token_stands_in_one_window(tokenizer, max_length):
    rows = read_masked_rows(TEXTS, tokenizer, max_length)
    expected = tokenizer.tokenize(TEXTS)
    assert np.concatenate(own_ids(rows, tokenizer)).tolist() == expected.input_ids.tolist()
    room = max_length - tokenizer.n_special
    pieces = [
        min(room, length - start)
        for length in expected.lengths.tolist()
        for start in range(0, length, room)
    ]
    assert [len(ids) for ids in own_ids(rows, tokenizer)] == pieces
    counts = -(-expected.lengths // room)
    assert rows.origins.tolist() == np.repeat(np.arange(len(TEXTS)), counts).tolist()
    for ids in np.split(rows.texts.input_ids, rows.texts.offsets[1:-1]):
        assert ids[: len(tokenizer.prefix)].tolist() == tokenizer.prefix
        assert ids[len(ids) - len(tokenizer.suffix) :].tolist() == tokenizer.suffix


def test_what_may_be_masked(tokenizer):
    rows = read_masked_rows(TEXTS, tokenizer, 30)
    framed = [
        place
        for start, stop in zip(rows.texts.offsets[:-1], rows.texts.offsets[1:], strict=True)
        for place in (*range(start, start + len(tokenizer.prefix)), stop - 1)
    ]
    assert np.flatnonzero(~rows.maskable).tolist() == framed
    assert np.flatnonzero(rows.words < 0).tolist() == framed


def test_words(word_pieces):
    """Pieces of a word have its number, in a window as beyond it; no two words have one."""
    rows = read_masked_rows(TEXTS, word_pieces, 9)
    names = word_pieces.token_names()
    goes_on = [names[id_].startswith("##") for id_ in rows.texts.input_ids[rows.maskable].tolist()]
    words = rows.words[rows.maskable]
    assert (np.diff(words) == 0).tolist() == goes_on[1:]
    assert set(np.diff(words)) == {0, 1}
    assert sum(goes_on) > 300
    # Some word is cut in two by a window's end.
    ends = np.cumsum([len(ids) for ids in own_ids(rows, word_pieces)])[:-1]
    assert any(goes_on[end] for end in ends)


def test_special_tokens_that_a_text_names(word_pieces):
    rows = read_masked_rows(["the [SEP] end", "[MASK] the"], word_pieces, 64)
    named = word_pieces.special_ids()
    assert [id_ in named for id_ in rows.texts.input_ids.tolist()] == (~rows.maskable).tolist()
    assert sum(~rows.maskable) == 6


def test_texts_in_which_nothing_can_be_masked(word_pieces):
    texts = ["", "the end", " ", "[SEP] [SEP]", "\n", "an end"]
    rows = read_masked_rows(texts, word_pieces, 64)
    expected = word_pieces.tokenize(["the end", "an end"])
    assert np.concatenate(own_ids(rows, word_pieces)).tolist() == expected.input_ids.tolist()
    assert len(rows.texts) == 2
    assert rows.origins.tolist() == [1, 5]
    with pytest.raises(TrainingError, match="None of 3 texts has a token that can be masked"):
        read_masked_rows(["", " ", "[SEP]"], word_pieces, 64)


def test_a_window_of_special_tokens_only(word_pieces):
    """In the middle of a text that has others."""
    body = word_pieces.tokenize(["the end"]).lengths[0]
    rows = read_masked_rows([f"the end {'[SEP] ' * body} the end"], word_pieces, int(body) + 2)
    assert len(rows.texts) == 2
    assert rows.maskable.sum() == 2 * body


def test_some_windows(word_pieces):
    rows = read_masked_rows(TEXTS, word_pieces, 20)
    chosen = np.array([5, 0, 7])
    taken = rows.take_rows(chosen)
    assert taken.origins.tolist() == rows.origins[chosen].tolist()
    for number, row in enumerate(chosen):
        ours = slice(*taken.texts.offsets[number : number + 2])
        theirs = slice(*rows.texts.offsets[row : row + 2])
        assert taken.texts.input_ids[ours].tolist() == rows.texts.input_ids[theirs].tolist()
        assert taken.words[ours].tolist() == rows.words[theirs].tolist()
        assert taken.maskable[ours].tolist() == rows.maskable[theirs].tolist()


@pytest.mark.parametrize(
    ("sizes", "count", "drawn"),
    [
        ([1] * 40, 7, {7}),
        ([5, 3, 4, 2, 6, 4], 9, {7, 8, 9}),
        # None is short enough: the shortest.
        ([27, 26, 28, 27], 22, {26}),
        ([90, 1], 45, {1}),
        ([1, 90], 9, {1}),
    ],
)
def test_whole_texts(sizes, count, drawn):
    origins = np.repeat(3 + 2 * np.arange(len(sizes)), sizes)
    found = []
    for seed in range(20):
        rows = whole_texts(origins, count, np.random.default_rng(seed))
        assert rows.tolist() == sorted({*rows.tolist()})
        left = np.delete(np.arange(len(origins)), rows)
        assert not {*origins[rows]} & {*origins[left]}
        assert len(left)
        assert len(rows) in drawn
        found.append(tuple(rows))
    assert len({*found}) > 1 or min(sizes) != max(sizes)
    again = whole_texts(origins, count, np.random.default_rng(19))
    assert tuple(again) == found[-1]


def test_windows_of_one_text():
    rows = whole_texts(np.full(30, 4), 5, np.random.default_rng(0))
    assert len({*rows.tolist()}) == 5
    assert rows.tolist() == sorted(rows.tolist())

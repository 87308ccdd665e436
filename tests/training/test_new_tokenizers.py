"""New tokenizers: the same from the same texts and in other libraries, or a clear error."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.errors import CheckpointError, ParameterError, TextInputError
from skencoder.tokenization import TextTokenizer
from skencoder.training import word_counts
from skencoder.training.new_tokenizers import train_tokenizer
from skencoder.training.tokenizer_kinds import PAD_TOKEN_IDS
from skencoder.training.word_counts import count_words, repeat_words
from tests.conftest import HOSTILE_TEXTS
from tests.training.corpora import docstrings

KINDS = tuple(PAD_TOKEN_IDS)
FRAMES = {"wordpiece": ("[CLS]", "[SEP]"), "bpe": ("<s>", "</s>"), "unigram": ("<s>", "</s>")}
FILES = ("tokenizer.json", "tokenizer_config.json")


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def trained(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer") / kind
    return train_tokenizer(iter(docstrings()), folder, kind=kind, vocab_size=400)


def test_size_and_special_tokens(kind, trained):
    assert trained.vocab_size == 400
    tokenizer = TextTokenizer.load(trained.folder)
    assert tokenizer.vocab_size == 400
    assert tokenizer.pad_token_ids == [trained.pad_token_id] == [PAD_TOKEN_IDS[kind]]
    first, last = (tokenizer.token_id(token) for token in FRAMES[kind])
    assert (tokenizer.prefix, tokenizer.suffix) == ([first], [last])
    # No id is left out, none given twice.
    assert sorted(tokenizer.token_names()) == list(range(400))


def test_the_same_texts_give_the_same_files(kind, trained, tmp_path):
    again = train_tokenizer(list(docstrings()), tmp_path / "again", kind=kind, vocab_size=400)
    for name in FILES:
        assert (again.folder / name).read_bytes() == (trained.folder / name).read_bytes()


def test_other_libraries_read_the_same(kind, trained):
    from transformers import AutoTokenizer

    theirs, ours = (
        AutoTokenizer.from_pretrained(trained.folder),
        TextTokenizer.load(trained.folder),
    )
    texts = [*docstrings()[:20], *HOSTILE_TEXTS]
    found = ours.tokenize(texts)
    for row, expected in enumerate(theirs(texts)["input_ids"]):
        start, stop = found.offsets[row : row + 2]
        assert [*ours.prefix, *found.input_ids[start:stop], *ours.suffix] == expected
    assert theirs.pad_token_id == trained.pad_token_id
    assert theirs.mask_token_id == ours.token_id("[MASK]" if kind == "wordpiece" else "<mask>")
    assert {theirs.cls_token, theirs.sep_token} == {*FRAMES[kind]}


def test_frequent_words_are_whole_and_texts_come_back(kind, trained):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(trained.folder / "tokenizer.json"))
    ids = tokenizer.encode("the argument of the node", add_special_tokens=False).ids
    assert len(ids) < len("the argument of the node") / 2
    assert tokenizer.decode(ids).strip() == "the argument of the node"
    capitals = tokenizer.encode("The ARGUMENT of the Node", add_special_tokens=False).ids
    assert capitals == ids


def test_capitals_count_where_asked(kind, tmp_path):
    folder = train_tokenizer(
        docstrings(), tmp_path / "cased", kind=kind, vocab_size=400, lowercase=False
    ).folder
    tokenizer = TextTokenizer.load(folder)
    small, large = (tokenizer.tokenize([text]).input_ids.tolist() for text in ("the", "The"))
    assert small != large


def test_fewer_tokens_than_asked_for_are_told(kind, tmp_path):
    few = train_tokenizer(docstrings()[:3], tmp_path / "few", kind=kind, vocab_size=90_000)
    assert few.vocab_size < 90_000
    assert few.vocab_size == TextTokenizer.load(few.folder).vocab_size


def test_min_frequency(tmp_path):
    """A pair that stands together twice becomes one only where twice is enough."""
    texts = ["ab ab cd", "xyz xyz xyz"]
    for least, learned in ((2, {"ab", "xyz"}), (3, {"xyz"})):
        folder = train_tokenizer(
            texts, tmp_path / str(least), vocab_size=100, min_frequency=least
        ).folder
        vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
        assert {"ab", "xyz", "cd"} & vocabulary.keys() == learned


@pytest.mark.parametrize("texts", [[], [""], [" \n", "\t"]])
def test_no_word_at_all(kind, texts, tmp_path):
    with pytest.raises(TextInputError, match="too few to learn a tokenizer from"):
        train_tokenizer(texts, tmp_path / "new", kind=kind, vocab_size=500)
    assert not list(tmp_path.iterdir())


def test_nothing_stands_there_twice(kind, tmp_path):
    with pytest.raises(TextInputError, match="too few to learn a tokenizer from"):
        train_tokenizer(["a bc"], tmp_path / "new", kind=kind, vocab_size=500)


def test_a_vocabulary_below_the_characters(kind, tmp_path):
    with pytest.raises(ParameterError, match=f"vocab_size=20 is too small.* of a {kind} tokeni"):
        train_tokenizer(docstrings(), tmp_path / "new", kind=kind, vocab_size=20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "words"}, "kind must be one of wordpiece, bpe, unigram; got 'words'"),
        ({"vocab_size": 0}, "vocab_size must be a positive integer; got 0"),
        ({"vocab_size": 1e4}, "vocab_size must be a positive integer; got 10000.0"),
        ({"min_frequency": 0}, "min_frequency must be a positive integer; got 0"),
    ],
)
def test_parameters_that_cannot_be_used(change, message, tmp_path):
    with pytest.raises(ParameterError, match=message):
        train_tokenizer(docstrings(), tmp_path / "new", **({"vocab_size": 400} | change))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one string", "got one string"),
        (["fine", None], "Row 1 is a NoneType; a str was expected"),
        (["fine", "half \ud83d"], "Row 1 holds half a character .* at place 5"),
    ],
)
def test_rows_that_are_no_texts(kind, texts, message, tmp_path):
    with pytest.raises(TextInputError, match=message):
        train_tokenizer(texts, tmp_path / "new", kind=kind, vocab_size=500)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(trained):
    with pytest.raises(CheckpointError, match="is not empty; choose a new folder"):
        train_tokenizer(docstrings(), trained.folder, vocab_size=400)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), st.integers(1, 2500), max_size=5))
def test_words_are_repeated_as_often(counts):
    found = Counter(word for line in repeat_words(Counter(counts)) for word in line.split())
    assert found == Counter(counts)


def test_rare_characters_are_left_out_of_large_alphabets(monkeypatch):
    from tokenizers.normalizers import NFC
    from tokenizers.pre_tokenizers import WhitespaceSplit

    texts = ["aaaa bbb cc", "aé dd"]
    assert "aé" in count_words(texts, NFC(), WhitespaceSplit())
    monkeypatch.setattr(word_counts, "SAFE_ALPHABET", 2)
    monkeypatch.setattr(word_counts, "COVERAGE", 0.8)
    # a 5, b 3, c 2, d 2, é 1 of 13: a and b cover 8, with c 10, with d 12.
    kept = count_words(texts, NFC(), WhitespaceSplit())
    assert kept == Counter({"aaaa": 1, "bbb": 1, "cc": 1, "dd": 1})

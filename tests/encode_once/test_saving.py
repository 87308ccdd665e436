"""A saved vectorizer is a folder that needs nothing else, whole or not there."""

import json
import shutil

import numpy as np
import pytest
from sklearn.base import clone

from skencoder import EncoderVectorizer, release
from skencoder.errors import CheckpointError, ParameterError

PARAMETERS = [
    {},
    {"pooling": "cls", "normalize": True},
    {"pooling": "mean+max", "max_length": 12, "overflow": "truncate"},
    {"prompt": "query: ", "normalize": False, "lowercase": True},
    {"layer": 1, "truncate_dim": 7, "output": "torch", "verbose": 0, "batch_tokens": 300},
    {"max_length": 12, "overflow": "chunk", "strip_accents": "unicode", "missing": "empty"},
]


@pytest.fixture(scope="module")
def texts(docs):
    return ["", "\u00c9t\u00e9", *[text for text in docs.data if len(text.split()) < 40][:20]]


def encode(vectorizer, texts):
    return np.asarray(vectorizer.fit_transform(texts))


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("fitted", [False, True])
def test_the_same_vectors_and_parameters(tiny_bert_copy, tmp_path, texts, parameters, fitted):
    vectorizer = EncoderVectorizer(tiny_bert_copy, cache=None, precision="float32", **parameters)
    expected = encode(clone(vectorizer), texts)
    saved = (vectorizer.fit(texts) if fitted else vectorizer).save(tmp_path / "saved")
    # Nothing else is needed, and the folder may be moved.
    shutil.rmtree(tiny_bert_copy)
    release()
    saved.rename(tmp_path / "moved")
    found = EncoderVectorizer.load(tmp_path / "moved", cache=None)
    np.testing.assert_allclose(encode(found, texts), expected, atol=1e-6)
    assert {name: found.get_params()[name] for name in parameters} == parameters
    assert encode(EncoderVectorizer.load(tmp_path / "moved", pooling="last"), ["a"]).size


@pytest.mark.parametrize("parameters", [{}, {"pooling": "cls"}, {"prompt": "query: "}])
def test_sentence_transformers_reads_it(embedded_folder, tmp_path, texts, parameters):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    vectorizer = EncoderVectorizer(
        embedded_folder, precision="float32", cache=None, overflow="truncate", **parameters
    )
    saved = vectorizer.save(tmp_path / "saved")
    model = sentence_transformers.SentenceTransformer(str(saved), device="cpu")
    found = model.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(found, vectorizer.fit_transform(texts), atol=1e-5)


def test_the_card_says_what_it_is(tiny_bert, tmp_path):
    vectorizer = EncoderVectorizer(
        tiny_bert,
        cache=tmp_path / "cache",
        prompt="query: ",
        layer=1,
        pooling="cls",
        max_length=99,
    )
    saved = vectorizer.save(tmp_path / "my-encoder")
    card = (saved / "README.md").read_text(encoding="utf-8")
    fingerprint = vectorizer.fit(["a"]).model_fingerprint_
    for part in (
        "# my-encoder",
        tiny_bert.name,
        fingerprint[:16],
        "vectors of 32 numbers",
        "pooling: cls",
        "up to 99 tokens",
        "prompt before every text: `'query: '`",
        "hidden state 1 of 2",
        'EncoderVectorizer.load("my-encoder")',
        "SentenceTransformer",
        "| `max_length` | `99` |",
    ):
        assert part in card, part
    # Where things lay on the machine that wrote it is nobody's business.
    for path in saved.rglob("*"):
        if path.suffix in (".md", ".json"):
            assert str(tmp_path) not in path.read_text(encoding="utf-8"), path
            assert str(tiny_bert.parent) not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("name", ["preprocessor", "strip_accents"])
def test_functions_are_refused_and_leave_nothing(tiny_bert, tmp_path, name):
    vectorizer = EncoderVectorizer(tiny_bert, **{name: str.upper})
    with pytest.raises(ParameterError, match=f"{name} cannot be saved: a folder holds no code"):
        vectorizer.save(tmp_path / "below" / "saved")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_nothing(tiny_bert, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        # The last step of many.
        patched.setattr("skencoder.estimators.saving._card", full)
        with pytest.raises(OSError, match="No space left"):
            EncoderVectorizer(tiny_bert).save(tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []
    assert EncoderVectorizer(tiny_bert).save(tmp_path / "saved").is_dir()


def test_what_is_there_is_not_overwritten(tiny_bert, tmp_path):
    (tmp_path / "saved").mkdir()
    EncoderVectorizer(tiny_bert).save(tmp_path / "saved")
    (tmp_path / "file").write_text("mine")
    for place in ("saved", "file"):
        with pytest.raises(CheckpointError, match="is not empty; choose a new folder"):
            EncoderVectorizer(tiny_bert).save(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "saved"]


def test_load_refuses_other_folders(tiny_bert, tmp_path):
    with pytest.raises(CheckpointError, match=r"skencoder\.json is missing"):
        EncoderVectorizer.load(tiny_bert)
    saved = EncoderVectorizer(tiny_bert).save(tmp_path / "saved")
    content = json.loads((saved / "skencoder.json").read_text())
    for wrong, message in (
        ({"parameters": content["parameters"] | {"colour": "red"}}, "does not know: colour"),
        ({"parameters": []}, "must hold an object of parameters"),
        ({}, "must hold an object of parameters"),
    ):
        (saved / "skencoder.json").write_text(json.dumps(wrong))
        with pytest.raises(CheckpointError, match=message):
            EncoderVectorizer.load(saved)

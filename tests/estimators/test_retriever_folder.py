"""A saved retriever: whole or not there, mapped, and never searched with another encoder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from skencoder import EncoderRetriever, EncoderVectorizer, listed_files
from skencoder.errors import (
    CheckpointError,
    IndexFileError,
    OverlongTextWarning,
    ParameterError,
)
from skencoder.indexes import build_index
from skencoder.listed_files import list_files
from skencoder.retrieval import BM25Options
from tests.conftest import REPOSITORY
from tests.estimators.planted import hash_letters

TEXTS = [
    "Cats purr when they are happy.",
    "",
    "Der Zug nach Bern f\u00e4hrt um zw\u00f6lf.",
    "\U0001f600 \u4f60\u597d",
    "Bread is baked in an oven.",
    "A last line\nand another\r\n",
]
NAMES = ["cats", "nothing", "trains", "faces", "bread", "lines"]
QUERIES = ["kitten", "bread", "\u4f60\u597d", "trains"]


def make(model, **parameters):
    return EncoderRetriever(EncoderVectorizer(model, precision="float32"), **parameters)


def look(retriever):
    return retriever.search(QUERIES, 4).to_dict("list")


@pytest.fixture
def saved(tiny_bert_copy, tmp_path):
    retriever = make(tiny_bert_copy, lexical="bm25").fit(TEXTS, NAMES)
    return retriever.save(tmp_path / "saved")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"metric": "euclidean", "n_neighbors": 2, "mode": "similarity"},
        {"lexical": "bm25", "fusion_weights": (1, 2.5), "rank_constant": 9, "n_candidates": 5},
        {"lexical": BM25Options(language="german", k1=np.float64(1.1))},
        {"query_prompt": "Q: ", "document_prompt": ""},
    ],
)
def test_the_same_results_and_parameters(tiny_bert, tmp_path, parameters):
    retriever = make(tiny_bert, **parameters).fit(TEXTS, NAMES)
    folder = retriever.save(tmp_path / "saved").rename(tmp_path / "moved")
    loaded = EncoderRetriever.load(folder)
    assert look(loaded) == look(retriever)
    assert list(loaded.documents_) == TEXTS
    assert loaded.documents_[-1] == TEXTS[-1]
    assert loaded.documents_[1:3] == TEXTS[1:3]
    for name, value in parameters.items():
        assert getattr(loaded, name) == value
    assert loaded.encoder.get_params()["precision"] == "float32"


def test_a_corpus_larger_than_memory_is_searched(tmp_path):
    """92 MB of vectors are searched, and added to, with less than half of that in memory."""
    texts = [f"document number {number}" for number in range(60_000)]
    folder = EncoderRetriever(hash_letters(384)).fit(texts).save(tmp_path / "saved")
    assert (folder / "index" / "vectors.npy").stat().st_size > 92e6
    code = """
        import sys
        from skencoder import EncoderRetriever
        from tests.estimators.planted import hash_letters
        encoder = hash_letters(384).fit(["a"])
        small = EncoderRetriever(encoder).fit(["a", "b", "c"])
        small.kneighbors(["warm"], 2)
        def held():
            fields = dict(line.split(":") for line in open("/proc/self/status") if ":" in line)
            return int(fields["RssAnon"].split()[0]) / 1024
        before = held()
        retriever = EncoderRetriever.load(sys.argv[1], encoder=encoder)
        retriever.kneighbors(["a query"], 5)
        retriever.partial_fit(["b", "c"]).remove([7])
        print(retriever.search(["document number 59"], 1)["id"][0], held() - before)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)],
        capture_output=True, text=True, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found, grown = done.stdout.split()
    assert found == "59"
    assert float(grown) < 45


def test_documents_may_be_added_to_what_was_loaded(saved, tiny_bert_copy, tmp_path):
    loaded = EncoderRetriever.load(saved)
    loaded.partial_fit(["Dogs bark."], ["dogs"]).remove("bread")
    fresh = make(tiny_bert_copy, lexical="bm25").fit(TEXTS, NAMES)
    fresh.partial_fit(["Dogs bark."], ["dogs"]).remove("bread")
    assert look(loaded) == look(fresh)
    again = EncoderRetriever.load(loaded.save(tmp_path / "again"))
    assert look(again) == look(fresh)
    # What was saved first is as it was.
    assert EncoderRetriever.load(saved).ids_.tolist() == NAMES


def test_numbers_and_labels_come_back(tiny_bert, tmp_path):
    numbered = make(tiny_bert).fit(TEXTS).remove([5])
    loaded = EncoderRetriever.load(numbered.save(tmp_path / "numbered"))
    assert loaded.partial_fit(["new"]).ids_.tolist() == [0, 1, 2, 3, 4, 6]
    labels = ["a", "b", "a", "b", "a", "b"]
    labelled = make(tiny_bert, target="labels").fit(TEXTS, labels)
    loaded = EncoderRetriever.load(labelled.save(tmp_path / "labelled"))
    assert loaded.predict(TEXTS).tolist() == labels


def test_parameters_of_a_search_may_differ(saved):
    loaded = EncoderRetriever.load(saved, n_neighbors=2, fusion_weights=(0, 1))
    assert loaded.search(["bread"])["id"].tolist()[0] == "bread"
    assert len(loaded.search(["bread"])) == 2
    for name, value in (("metric", "dot"), ("query_prompt", "Q"), ("target", "labels")):
        with pytest.raises(ParameterError, match=f"{name} cannot be changed"):
            EncoderRetriever.load(saved, **{name: value})
    with pytest.raises(ParameterError, match="nonsense cannot be changed"):
        EncoderRetriever.load(saved, nonsense=1)
    with pytest.raises(ParameterError, match="n_neighbors must be"):
        EncoderRetriever.load(saved, n_neighbors=0)


def test_a_reranker_is_asked_for(tiny_bert, tmp_path):
    def longest(pairs):
        return [len(document) for _, document in pairs]

    retriever = make(tiny_bert, reranker=longest).fit(TEXTS, NAMES)
    folder = retriever.save(tmp_path / "saved")
    with pytest.raises(IndexFileError, match="saved with a reranker"):
        EncoderRetriever.load(folder)
    assert look(EncoderRetriever.load(folder, reranker=longest)) == look(retriever)
    dense = look(make(tiny_bert).fit(TEXTS, NAMES))
    assert look(EncoderRetriever.load(folder, reranker=None)) == dense


# --- another encoder


def test_other_weights_are_refused(saved, tiny_bert_copy):
    from tests.checkpoints.test_checkpoint import edit_weights

    def turn(tensors):
        tensors["embeddings.LayerNorm.bias"] += 1

    edit_weights(tiny_bert_copy, turn)
    with pytest.raises(IndexFileError, match="another encoder made.*Its fingerprint was"):
        EncoderRetriever.load(saved)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"pooling": "cls"}, "poolings"),
        ({"truncate_dim": 16}, "n_features"),
        ({"layer": 1}, "layer"),
        ({"max_length": 7}, "max_length"),
        ({"normalize": True}, "normalize"),
        ({"overflow": "chunk"}, "overlap"),
        ({"lowercase": True}, "lowercase"),
        ({"strip_accents": "ascii"}, "strip_accents"),
        ({"preprocessor": str.swapcase}, "preprocessor"),
        ({"encoding": "latin-1"}, "encoding"),
        ({"decode_error": "ignore"}, "decode_error"),
    ],
)
def test_the_same_weights_read_otherwise_are_refused(saved, tiny_bert_copy, changes, name):
    other = EncoderVectorizer(tiny_bert_copy, **changes)
    with pytest.raises(IndexFileError, match=f"Its {name} was .* and is now"):
        EncoderRetriever.load(saved, encoder=other)


def test_the_same_encoder_is_tried_all_the_same(saved, tiny_bert_copy):
    """Whatever else it is that changes its vectors."""
    np.save(saved / "probes.npy", -np.load(saved / "probes.npy"))
    list_again(saved)
    with pytest.raises(IndexFileError, match="encodes the first documents otherwise"):
        EncoderRetriever.load(saved)


@pytest.mark.filterwarnings("error")
def test_long_texts_that_are_tried_warn_nobody(tiny_bert, tmp_path):
    encoder = EncoderVectorizer(tiny_bert, max_length=8, precision="float32")
    with pytest.warns(OverlongTextWarning):
        retriever = EncoderRetriever(encoder).fit([*TEXTS, "a long text " * 20])
    with pytest.warns(OverlongTextWarning):
        folder = retriever.save(tmp_path / "saved")
    encoding = EncoderVectorizer(tiny_bert, max_length=8, precision="float32", encoding="utf8")
    loaded = EncoderRetriever.load(folder, encoder=encoding)
    assert loaded.predict(["Cats purr"]).tolist() == retriever.predict(["Cats purr"]).tolist()


def test_another_place_or_cache_is_the_same_encoder(saved, tiny_bert_copy, tmp_path):
    expected = look(EncoderRetriever.load(saved))
    moved = shutil.move(tiny_bert_copy, tmp_path / "moved")
    with pytest.raises(CheckpointError, match="checkpoint"):
        EncoderRetriever.load(saved)
    encoder = EncoderVectorizer(moved, overflow="truncate", cache=tmp_path / "cache")
    assert look(EncoderRetriever.load(saved, encoder=encoder)) == expected


def test_any_transformer_is_given_and_tried(tmp_path):
    def fit(seed):
        encoder = make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=seed))
        return EncoderRetriever(encoder, query_prompt="q ").fit(TEXTS, NAMES)

    retriever = fit(0)
    folder = retriever.save(tmp_path / "saved")
    with pytest.raises(IndexFileError, match="give it, fitted"):
        EncoderRetriever.load(folder)
    loaded = EncoderRetriever.load(folder, encoder=retriever.document_encoder_)
    assert look(loaded) == look(retriever)
    other = make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=1)).fit(TEXTS[::2] * 2)
    with pytest.raises(IndexFileError, match="encodes the first documents otherwise"):
        EncoderRetriever.load(folder, encoder=other)
    with pytest.raises(IndexFileError, match="made by another transformer"):
        EncoderRetriever.load(folder, encoder=EncoderVectorizer())
    with pytest.raises(ParameterError, match="encoder must be a transformer"):
        EncoderRetriever.load(folder, encoder="all-MiniLM-L6-v2")


def test_a_pipeline_keeps_both_prompts(tiny_bert_copy, tmp_path):
    path = tiny_bert_copy / "config_sentence_transformers.json"
    path.write_text('{"prompts": {"query": "Q: ", "passage": "P: "}}')
    encoder = make_pipeline(EncoderVectorizer(tiny_bert_copy), Normalizer())
    retriever = EncoderRetriever(encoder).fit(TEXTS, NAMES)
    folder = retriever.save(tmp_path / "saved")
    loaded = EncoderRetriever.load(folder, encoder=retriever.document_encoder_)
    assert loaded.query_encoder_[0].prompt == "query"
    assert look(loaded) == look(retriever)


# --- damage


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("retriever.json", None, "is no saved retriever"),
        ("retriever.json", b"{", "is no saved retriever"),
        ("retriever.json", b"[]", "does not describe a retriever"),
        ("retriever.json", b'{"format": "skencoder-retriever", "version": 9}', "version=9"),
        (
            "retriever.json",
            b'{"format": "skencoder-retriever", "version": 1}',
            "has no documents, encoder, files",
        ),
        ("ids.npy", None, "ids.npy is missing"),
        ("ids.npy", b"nothing", "ids.npy has 7 bytes"),
        ("documents.txt", None, "documents.txt is missing"),
        ("documents.txt", b"cut off", "has 7 bytes"),
        ("documents.starts.npy", b"", "documents.starts.npy has 0 bytes"),
        ("index/vectors.npy", b"", "vectors.npy has 0 bytes"),
        ("index/config.json", b"{", "config.json has 1 bytes"),
        ("lexical/data.csc.index.npy", b"", "data.csc.index.npy has 0 bytes"),
    ],
)
def test_damage_is_named(saved, name, content, message):
    path = saved / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IndexFileError, match=message):
        EncoderRetriever.load(saved)


def list_again(folder, **fields):
    """As if the files were those that were saved, which nobody does by accident."""
    path = folder / "retriever.json"
    manifest = json.loads(path.read_text())
    listed = [folder / name for name in manifest["files"]]
    path.write_text(json.dumps(manifest | {"files": list_files(folder, listed)} | fields))


def own_files(folder):
    return list(json.loads((folder / "retriever.json").read_text())["files"])


def test_every_file_is_listed(saved):
    """The index's own manifest lists what is beside it."""
    there = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    beside = {"retriever.json", "index/vectors.npy", "index/norms.npy"}
    assert there == {*own_files(saved), *beside}


def test_a_changed_byte_is_found(saved):
    for name in own_files(saved):
        content = (saved / name).read_bytes()
        (saved / name).write_bytes(bytes([*content[:-1], content[-1] ^ 1]))
        with pytest.raises(IndexFileError, match=f"{Path(name).name} is not what was written"):
            EncoderRetriever.load(saved)
        (saved / name).write_bytes(content)
    EncoderRetriever.load(saved)


@pytest.mark.parametrize(
    "parts",
    [
        ["index"],
        ["order.npy"],
        ["ids.npy"],
        ["labels.npy"],
        ["documents.txt", "documents.starts.npy"],
        ["lexical"],
        ["probes.npy"],
    ],
)
def test_files_of_two_retrievers_do_not_mix(tiny_bert, tmp_path, parts):
    """Not even where both have as many documents, of the same lengths."""

    def save(name, texts, ids, **parameters):
        retriever = make(tiny_bert, lexical="bm25", **parameters).fit(texts, ids)
        return retriever.save(tmp_path / name)

    labels = {"target": "labels"} if parts == ["labels.npy"] else {}
    saved = save("saved", TEXTS, NAMES, **labels)
    other = save("other", TEXTS[::-1], [*NAMES[:0:-1], "zebras"], **labels)
    for name in parts:
        if (saved / name).is_dir():
            shutil.rmtree(saved / name)
            shutil.copytree(other / name, saved / name)
        else:
            shutil.copy(other / name, saved / name)
    with pytest.raises(IndexFileError, match="is not what was written|bytes were|bytes, but"):
        EncoderRetriever.load(saved)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("ids.npy", np.arange(4), "6 vectors, 4 ids"),
        ("order.npy", np.array([0, 1, 2, 3, 4, 99]), "in no order"),
        ("order.npy", np.array([0, 1, 2, 3, 4, 4]), "in no order"),
        ("order.npy", np.array([0, 1, 2, 3, 4, -1]), "in no order"),
        ("order.npy", np.arange(6.0), "in no order"),
        ("order.npy", np.arange(5), "in no order"),
        ("labels.npy", np.array(["a", "b"]), "2 labels"),
    ],
)
def test_files_that_say_they_belong_together_are_checked(
    tiny_bert, tmp_path, name, array, message
):
    labels = {"target": "labels"} if name == "labels.npy" else {}
    saved = make(tiny_bert, **labels).fit(TEXTS, NAMES).save(tmp_path / "saved")
    np.save(saved / name, array)
    list_again(saved)
    with pytest.raises(IndexFileError, match=message):
        EncoderRetriever.load(saved)


@pytest.mark.parametrize(
    ("vectors", "metric", "message"),
    [
        (np.eye(6, 32, dtype=np.float32), "dot", "expected 32 and 'cosine'"),
        (np.eye(6, 31, dtype=np.float32), "cosine", "vectors of 31 numbers"),
        (np.eye(5, 32, dtype=np.float32), "cosine", "5 vectors, 6 ids"),
    ],
)
def test_an_index_of_another_kind_is_refused(saved, vectors, metric, message):
    shutil.rmtree(saved / "index")
    build_index("exact", vectors, metric=metric).save(saved / "index")
    list_again(saved)
    with pytest.raises(IndexFileError, match=message):
        EncoderRetriever.load(saved)


def test_damage_in_a_file_too_large_to_be_read_is_named_when_it_is_met(saved, monkeypatch):
    monkeypatch.setattr(listed_files, "LARGEST_READ", 10)
    content = (saved / "documents.txt").read_bytes()
    (saved / "documents.txt").write_bytes(b"\xff" + content[1:])
    loaded = EncoderRetriever.load(saved)
    assert loaded.documents_[2] == TEXTS[2]
    with pytest.raises(IndexFileError, match=r"documents.txt .* is damaged: text 0 is not UTF-8"):
        loaded.documents_[0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompts": [None]}, "prompts is"),
        ({"n_documents": "6"}, "n_documents is '6'"),
        ({"next_id": -1}, "next_id is -1"),
        ({"probes": "abc"}, "probes is 'abc'"),
        ({"files": {"../ids.npy": {"bytes": 1, "sha256": ""}}}, "files is"),
        ({"parameters": 3}, "parameters is 3"),
        ({"documents": {}}, "Its .* was None"),
        ({"documents": None}, "made by another transformer"),
        ({"documents": []}, "documents is"),
    ],
)
def test_a_field_of_another_kind_is_named(saved, fields, message):
    list_again(saved, **fields)
    with pytest.raises(IndexFileError, match=message):
        EncoderRetriever.load(saved)


def test_only_plain_values_are_saved(tiny_bert, tmp_path):
    for retriever, message in (
        (make(tiny_bert, lexical=BM25Options(tokenize=str.split)), "lexical has a function"),
        (
            EncoderRetriever(EncoderVectorizer(tiny_bert, preprocessor=str.lower)),
            "the encoder's preprocessor is a function",
        ),
    ):
        with pytest.raises(ParameterError, match=message):
            retriever.fit(TEXTS).save(tmp_path / "saved")
        assert not (tmp_path / "saved").exists()


def test_a_folder_that_holds_something_is_left_alone(saved, tiny_bert_copy):
    before = sorted(saved.rglob("*"))
    with pytest.raises(CheckpointError, match="is not empty"):
        make(tiny_bert_copy).fit(TEXTS).save(saved)
    assert sorted(saved.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process")
@pytest.mark.parametrize("there", [False, True])
def test_a_killed_save_leaves_no_folder(tmp_path, tiny_bert, there):
    """Nor a file in a folder that was there, empty."""
    code = """
        import os, signal, sys
        import numpy as np
        from skencoder import EncoderRetriever, EncoderVectorizer
        retriever = EncoderRetriever(EncoderVectorizer(sys.argv[1])).fit(["a", "b"])
        keep = np.save
        def save(path, *args, **kwargs):
            if "ids" in str(path):
                os.kill(os.getpid(), signal.SIGKILL)
            keep(path, *args, **kwargs)
        np.save = save
        retriever.save(sys.argv[2])
        """
    target = tmp_path / "saved"
    if there:
        target.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tiny_bert), str(target)],
        capture_output=True, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert target.exists() == there
    assert not there or not list(target.iterdir())
    make(tiny_bert).fit(TEXTS, NAMES).save(target)
    assert EncoderRetriever.load(target).ids_.tolist() == NAMES


def test_what_is_cached_is_searched_without_torch(tmp_path, tiny_bert):
    cache = tmp_path / "cache"
    encoder = EncoderVectorizer(tiny_bert, cache=cache)
    retriever = EncoderRetriever(encoder).fit(TEXTS, NAMES)
    expected = retriever.predict(QUERIES).tolist()
    folder = retriever.save(tmp_path / "saved")
    code = """
        import sys
        from skencoder import EncoderRetriever, EncoderVectorizer
        model, cache, folder, *queries = sys.argv[1:]
        encoder = EncoderVectorizer(model, cache=cache)
        print(EncoderRetriever.load(folder, encoder=encoder).predict(queries).tolist())
        print("torch" in sys.modules)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), tiny_bert, cache, folder, *QUERIES],
        capture_output=True, text=True, cwd=REPOSITORY, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [str(expected), "False"]

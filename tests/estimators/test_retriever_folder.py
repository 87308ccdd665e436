"""A saved retriever: whole or not there, mapped, and never searched with another encoder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from skencoder import EncoderRetriever, EncoderVectorizer
from skencoder.errors import CheckpointError, IndexFileError, ParameterError
from skencoder.indexes import build_index
from skencoder.retrieval import BM25Options
from tests.conftest import REPOSITORY

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
    """154 MB of vectors are searched, and added to, with less than half of that in memory."""
    n_rows = 100_000
    folder = EncoderRetriever().fit(["a", "b"]).save(tmp_path / "saved")
    rows = np.random.default_rng(0).standard_normal((n_rows, 384), np.float32)
    shutil.rmtree(folder / "index")
    build_index("exact", rows).save(folder / "index")
    manifest = json.loads((folder / "retriever.json").read_text())
    manifest |= {"n_documents": n_rows, "next_id": n_rows}
    (folder / "retriever.json").write_text(json.dumps(manifest))
    for name in ("ids", "order"):
        np.save(folder / f"{name}.npy", np.arange(n_rows))
    (folder / "documents.txt").write_text("x" * n_rows)
    np.save(folder / "documents.starts.npy", np.arange(n_rows + 1))
    code = """
        import sys
        from skencoder import EncoderRetriever
        small = EncoderRetriever().fit(["a", "b", "c"])
        small.kneighbors(["warm"], 2)
        def held():
            fields = dict(line.split(":") for line in open("/proc/self/status") if ":" in line)
            return int(fields["RssAnon"].split()[0]) / 1024
        before = held()
        retriever = EncoderRetriever.load(sys.argv[1])
        retriever.kneighbors(["a query"], 5)
        retriever.partial_fit(["b", "c"]).remove([7])
        print(retriever.kneighbors(["a query"], 5)[1].shape, held() - before)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)],
        capture_output=True, text=True, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shape, grown = done.stdout.rsplit(" ", 1)
    assert shape == "(1, 5)"
    assert float(grown) < 60


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
    ],
)
def test_the_same_weights_read_otherwise_are_refused(saved, tiny_bert_copy, changes, name):
    other = EncoderVectorizer(tiny_bert_copy, **changes)
    with pytest.raises(IndexFileError, match=f"Its {name} was .* and is now"):
        EncoderRetriever.load(saved, encoder=other)


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
            "has no documents, encoder",
        ),
        ("ids.npy", None, "ids.npy cannot be read"),
        ("ids.npy", b"nothing", "ids.npy cannot be read"),
        ("documents.txt", None, "no documents that can be read"),
        ("documents.txt", b"cut off", "has 7 bytes"),
        ("documents.starts.npy", b"", "no documents that can be read"),
        ("index/vectors.npy", b"", "vectors.npy has 0 bytes"),
        ("index/config.json", b"{", "config.json"),
        ("lexical/data.csc.index.npy", b"", "cannot be read as an index"),
    ],
)
def test_damage_is_named(saved, name, content, message):
    path = saved / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IndexFileError, match=message):
        EncoderRetriever.load(saved)


def test_files_of_two_retrievers_do_not_mix(saved, tiny_bert_copy, tmp_path):
    other = make(tiny_bert_copy).fit(TEXTS[:4], NAMES[:4]).save(tmp_path / "other")
    shutil.copy(other / "ids.npy", saved / "ids.npy")
    with pytest.raises(IndexFileError, match="6 vectors and 4 ids"):
        EncoderRetriever.load(saved)
    shutil.rmtree(saved / "index")
    shutil.copytree(other / "index", saved / "index")
    with pytest.raises(IndexFileError, match="4 vectors and 4 ids"):
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
def test_a_killed_save_leaves_no_folder(tmp_path, tiny_bert):
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
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tiny_bert), str(target)],
        capture_output=True, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
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

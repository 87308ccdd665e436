"""Data and models that several benchmark tests share; real data come from the outer conftest.

This folder must not become a package: it would hide the package under test, which has the
same name.
"""

import json

import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from benchmarks import MTEBModel

PAIRS = [
    ("A man is playing a guitar.", "Someone plays the guitar.", 4.6),
    ("The weather is fine today.", "It is a sunny day.", 3.9),
    ("A dog runs across the field.", "Two dogs sleep on a sofa.", 1.7),
    ("She reads a book in the garden.", "A woman is reading outside.", 3.8),
    ("The stock market fell sharply.", "A cat sits on the window sill.", 0.1),
    ("He cooks dinner for his family.", "The train leaves at noon.", 0.0),
    ("Children play football in the park.", "Kids are playing soccer.", 4.4),
    ("The museum opens at nine.", "The museum closes at nine.", 2.5),
]
CARD = """---
configs:
- config_name: default
  data_files:
  - split: test
    path: test.jsonl
---
"""


@pytest.fixture
def sts_file(tmp_path):
    """The file of eight pairs, at the place of STSBenchmark's test split in the hub's layout."""
    folder = tmp_path / "data" / "mteb" / "stsbenchmark-sts"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    rows = [{"sentence1": a, "sentence2": b, "score": score} for a, b, score in PAIRS]
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "test.jsonl"


@pytest.fixture
def hub_folder(sts_file):
    """The data root in which `sts_file` lies."""
    return sts_file.parents[2]


@pytest.fixture(scope="session")
def tfidf_svd(docs):
    """The free baseline: a fitted pipeline that is no Transformer."""
    pipeline = make_pipeline(TfidfVectorizer(), TruncatedSVD(64, random_state=0))
    return pipeline.fit(docs.data[::3])


@pytest.fixture(scope="session")
def tiny_model(tiny_bert):
    """A random two-layer encoder behind mteb's protocol."""
    return MTEBModel(tiny_bert)


@pytest.fixture
def tiny_with_prompts(tiny_bert_copy):
    """A checkpoint that ships prompts: by role under a name of its own, and for one task."""
    prompts = {"query": "Q: ", "passage": "P: ", "STSBenchmark": "T: ", "STS": "K: "}
    path = tiny_bert_copy / "config_sentence_transformers.json"
    path.write_text(json.dumps({"prompts": prompts}))
    return tiny_bert_copy

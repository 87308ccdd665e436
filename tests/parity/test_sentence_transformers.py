"""End to end against sentence-transformers with the same weights, on real and hostile texts."""

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from skencoder import EncoderVectorizer
from tests.conftest import HOSTILE_TEXTS

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def reference(embedded_folder):
    return SentenceTransformer(str(embedded_folder), device="cpu")


@pytest.fixture(scope="module")
def texts(long_and_short_texts):
    lengths = [len(text.split()) for text in long_and_short_texts]
    assert (len(lengths), min(lengths), max(lengths)) == (1000, 1, 2000)
    return HOSTILE_TEXTS + long_and_short_texts


@pytest.mark.slow
def test_vectors(reference, texts):
    vectorizer = EncoderVectorizer(precision="float32", device="cpu", overflow="truncate")
    found = vectorizer.fit_transform(texts)
    expected = reference.encode(texts, show_progress_bar=False)
    cosines = (found * expected).sum(1)
    assert cosines.min() >= 0.99999
    # The same texts were cut.
    lengths = [len(ids) for ids in reference.tokenizer(texts, truncation=False)["input_ids"]]
    assert vectorizer.n_truncated_ == sum(n > reference.max_seq_length for n in lengths)


@pytest.mark.parametrize("pooling", ["cls", "max", "lasttoken", "weightedmean"])
def test_poolings(embedded_folder, texts, pooling):
    from sentence_transformers.models import Pooling, Transformer

    modules = [Transformer(str(embedded_folder)), Pooling(384, pooling_mode=pooling)]
    reference = SentenceTransformer(modules=modules, device="cpu")
    ours = {"lasttoken": "last", "weightedmean": "weighted_mean"}.get(pooling, pooling)
    vectorizer = EncoderVectorizer(
        precision="float32", device="cpu", pooling=ours, normalize=False, overflow="truncate"
    )
    expected = reference.encode(texts[:60], show_progress_bar=False)
    np.testing.assert_allclose(vectorizer.fit_transform(texts[:60]), expected, atol=2e-5)


def test_truncated_dimensions(embedded_folder, texts):
    reference = SentenceTransformer(str(embedded_folder), device="cpu", truncate_dim=50)
    expected = reference.encode(texts[:60], show_progress_bar=False, normalize_embeddings=True)
    vectorizer = EncoderVectorizer(
        precision="float32", device="cpu", truncate_dim=50, overflow="truncate"
    )
    np.testing.assert_allclose(vectorizer.fit_transform(texts[:60]), expected, atol=1e-5)


def cached_checkpoints():
    """Sentence encoders in the hub's cache of this machine, whichever they are."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return []
    folders = [
        revision.snapshot_path
        for repo in repos
        if repo.repo_type == "model"
        for revision in repo.revisions
    ]
    return sorted(folder for folder in folders if (folder / "modules.json").is_file())


@pytest.mark.slow
def test_every_checkpoint_in_the_hub_s_cache(texts):
    folders = cached_checkpoints()
    if not folders:
        pytest.skip("the hub's cache on this machine holds no sentence encoder")
    for folder in folders:
        vectorizer = EncoderVectorizer(
            folder, precision="float32", device="cpu", overflow="truncate", normalize=True
        )
        found = vectorizer.fit_transform(texts[:200])
        theirs = SentenceTransformer(str(folder), device="cpu")
        expected = theirs.encode(texts[:200], show_progress_bar=False, normalize_embeddings=True)
        assert (found * expected).sum(1).min() >= 0.99999, folder

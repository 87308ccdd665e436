"""Static models against model2vec and sentence-transformers: their folders here, ours there."""

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from skencoder import TextEncoder, distill_static
from skencoder.checkpoints import load_checkpoint, save_checkpoint
from tests.conftest import HOSTILE_TEXTS
from tests.static_models import (
    TEXTS,
    TOKENS,
    make_table,
    make_tokenizer,
    write_model2vec,
    write_sentence_transformers,
    write_teacher,
)

pytestmark = pytest.mark.parity
# model2vec cuts texts by characters before it tokenizes them; that is not done here.
REAL = [text for text in [*TEXTS, *HOSTILE_TEXTS] if len(text) < 1000]


@pytest.fixture(scope="module")
def model2vec():
    return pytest.importorskip("model2vec", reason="model2vec is not installed")


def encode(folder):
    model = TextEncoder.load(folder, precision="float32", device="cpu")
    return model.encode(REAL).vectors.numpy()


def close(found, expected, tolerance=1e-6):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=0)


def parts(name):
    rng = np.random.default_rng(1)
    mapping = {"token_mapping": rng.integers(0, 5, len(TOKENS))}
    weights = {"weights": rng.random(len(TOKENS))}
    return {"plain": {}, "mapping": mapping, "weights": weights, "both": mapping | weights}[name]


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("name", ["plain", "mapping", "weights", "both"])
def test_a_folder_of_model2vec(model2vec, tmp_path, name, normalize):
    given = parts(name)
    table = make_table(rows=5 if "token_mapping" in given else len(TOKENS))
    model = model2vec.StaticModel(table, make_tokenizer(), normalize=normalize, **given)
    model.save_pretrained(tmp_path / "m")
    close(encode(tmp_path / "m"), model.encode(REAL))


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8"])
def test_its_numbers(model2vec, tmp_path, dtype):
    table = (make_table() * 40).astype(dtype)
    model = model2vec.StaticModel(table, make_tokenizer(), normalize=True)
    model.save_pretrained(tmp_path / "m")
    # Its vectors are rounded as its table is.
    close(encode(tmp_path / "m"), model.encode(REAL), 1e-3 if dtype == "float16" else 1e-6)


def test_its_limit(model2vec, tmp_path):
    model = model2vec.StaticModel(make_table(), make_tokenizer(), normalize=True, max_length=3)
    model.save_pretrained(tmp_path / "m")
    ours = TextEncoder.load(tmp_path / "m", precision="float32", device="cpu")
    assert ours.settings.max_length == 3
    with pytest.warns(UserWarning, match="1 text"):
        found = ours.encode(["a a a dog"]).vectors.numpy()
    close(found, model.encode(["a a a dog"]))


def test_a_folder_of_ours_in_model2vec(model2vec, tmp_path):
    folder = write_teacher(tmp_path / "teacher")
    distill_static(folder, ["New York", "cats", "\u4f60"], folder=tmp_path / "static")
    theirs = model2vec.StaticModel.from_pretrained(tmp_path / "static")
    assert theirs.max_length is None
    close(theirs.encode(REAL), encode(tmp_path / "static"))


@pytest.mark.parametrize("name", ["plain", "mapping", "both"])
def test_what_was_loaded_and_saved_in_model2vec(model2vec, tmp_path, name):
    given = parts(name)
    table = make_table(rows=5 if "token_mapping" in given else len(TOKENS))
    model = model2vec.StaticModel(table, make_tokenizer(), normalize=True, **given)
    model.save_pretrained(tmp_path / "m")
    checkpoint = load_checkpoint(tmp_path / "m")
    save_checkpoint(
        tmp_path / "copy",
        checkpoint.encoder,
        tokenizer_folder=tmp_path / "m",
        settings=checkpoint.settings,
    )
    again = model2vec.StaticModel.from_pretrained(tmp_path / "copy")
    close(again.encode(REAL), model.encode(REAL))
    assert again.max_length == model.max_length


@pytest.mark.parametrize("place", ["0_StaticEmbedding", ""])
def test_a_folder_of_sentence_transformers(tmp_path, place):
    folder = write_sentence_transformers(tmp_path / "m", place)
    reference = SentenceTransformer(str(folder), device="cpu")
    close(encode(folder), reference.encode(REAL, show_progress_bar=False))


def test_a_folder_that_sentence_transformers_wrote(tmp_path):
    folder = write_sentence_transformers(tmp_path / "m")
    reference = SentenceTransformer(str(folder), device="cpu")
    reference.save(str(tmp_path / "saved"))
    close(encode(tmp_path / "saved"), encode(folder))


def test_folders_of_ours_in_sentence_transformers(tmp_path):
    distill_static(write_teacher(tmp_path / "teacher"), ["New York"], folder=tmp_path / "static")
    checkpoint = load_checkpoint(write_sentence_transformers(tmp_path / "m"))
    save_checkpoint(
        tmp_path / "copy",
        checkpoint.encoder,
        tokenizer_folder=checkpoint.folder,
        settings=checkpoint.settings,
    )
    for folder in (tmp_path / "static", tmp_path / "copy"):
        reference = SentenceTransformer(str(folder), device="cpu")
        close(encode(folder), reference.encode(REAL, show_progress_bar=False))


def test_a_folder_of_model2vec_in_sentence_transformers_differs_by_unknown_tokens(tmp_path):
    # It says there what it says here, but for the vector of the unknown token.
    folder = write_model2vec(tmp_path / "m")
    reference = SentenceTransformer(str(folder), device="cpu")
    texts = TEXTS[:3]
    found = TextEncoder.load(folder, precision="float32", device="cpu").encode(texts).vectors
    close(found.numpy(), reference.encode(texts, show_progress_bar=False))

"""Static models from folders of two libraries, and back: vectors, limits, saving, refusals."""

import json
import pickle
import shutil
import warnings

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from skencoder import EmbeddingCache, EncoderVectorizer, EncodingOptions, TextEncoder
from skencoder.checkpoints import load_checkpoint, save_checkpoint
from skencoder.encoder import Projection, StaticEncoder
from skencoder.errors import CheckpointError, OverlongTextError, OverlongTextWarning
from tests.static_models import (
    TEXTS,
    TOKENS,
    expected_vectors,
    make_table,
    write_model2vec,
    write_modules,
    write_sentence_transformers,
)

PLACES = ["0_StaticEmbedding", ""]


def load(folder):
    return TextEncoder.load(folder, precision="float32", device="cpu")


def encode(folder, **options):
    return load(folder).encode(TEXTS, EncodingOptions(**options)).vectors.numpy()


def close(found, expected, tolerance=1e-6):
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=0)


@pytest.fixture
def folder(tmp_path):
    return write_model2vec(tmp_path / "static")


@pytest.mark.parametrize("modules", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_model2vec_leaves_unknown_tokens_out(tmp_path, modules, normalize):
    folder = write_model2vec(tmp_path / "m", modules=modules, normalize=normalize)
    close(encode(folder), expected_vectors(make_table(), normalize=normalize))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("normalize", [True, False])
def test_sentence_transformers_counts_unknown_tokens(tmp_path, place, normalize):
    folder = write_sentence_transformers(tmp_path / "m", place, normalize=normalize)
    expected = expected_vectors(make_table(), drop_unknown=False, normalize=normalize)
    close(encode(folder), expected)


def test_a_text_of_nothing_known_has_the_vector_zero(folder):
    vectors = encode(folder)
    nothing = [TEXTS.index(text) for text in ("xylophone", "", " ")]
    assert not vectors[nothing].any()
    assert np.isfinite(encode(folder, normalize=False)).all()
    assert (np.linalg.norm(np.delete(vectors, nothing, 0), axis=1) > 0.999).all()


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("mapped", [True, False])
def test_weights_and_shared_rows_are_multiplied_out(tmp_path, weighted, mapped):
    rng = np.random.default_rng(1)
    table = make_table(rows=4 if mapped else len(TOKENS))
    weights, mapping = rng.random(len(TOKENS)), rng.integers(0, 4, len(TOKENS))
    tensors = ({"weights": weights} if weighted else {}) | ({"mapping": mapping} if mapped else {})
    folder = write_model2vec(tmp_path / "m", table, tensors=tensors)
    full = table[mapping] if mapped else table
    close(encode(folder), expected_vectors(full * weights[:, None] if weighted else full))


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8"])
def test_any_number_is_read(tmp_path, dtype):
    table = (make_table() * 40).astype(dtype)
    close(
        encode(write_model2vec(tmp_path / "m", table)), expected_vectors(table.astype(np.float32))
    )


def test_no_order_and_no_neighbour_matters(folder):
    vectors = encode(folder)
    close(encode(folder, batch_tokens=1), vectors)
    backwards = load(folder).encode(TEXTS[::-1]).vectors.numpy()[::-1]
    close(backwards, vectors)


def test_all_poolings_of_one_pass(folder):
    names = ["mean", "cls", "max", "last", "weighted_mean", "mean_sqrt_len", "mean+max"]
    options = [EncodingOptions(pooling=name) for name in names]
    for name, found in zip(names, load(folder).encode_many(TEXTS, options), strict=True):
        assert found.vectors.isfinite().all()
        close(found.vectors.numpy(), encode(folder, pooling=name))


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({}, None),
        ({"seq_length": 2}, 2),
        ({"seq_length": 2, "max_length": None}, None),
        ({"seq_length": 9, "max_length": 2}, 2),
    ],
)
def test_a_limit_cuts_and_says_so(tmp_path, config, limit):
    folder = write_model2vec(tmp_path / "m", **config)
    model = load(folder)
    assert model.settings.max_length == limit
    long = ["the cat sat " * 400]
    if limit is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = model.encode(long).vectors
        close(found, model.encode(["the cat sat"]).vectors, 1e-5)
        return
    with pytest.warns(OverlongTextWarning):
        found = model.encode(long).vectors
    close(found, model.encode(["the cat"]).vectors)
    with pytest.raises(OverlongTextError):
        model.encode(long, EncodingOptions(overflow="error"))
    in_windows = model.encode(long, EncodingOptions(overflow="chunk")).vectors
    close(in_windows[0], expected_vectors(make_table())[TEXTS.index("the cat sat")], 1e-5)


@pytest.mark.parametrize("write", [write_model2vec, write_sentence_transformers])
def test_saved_and_loaded_it_is_the_same(tmp_path, write):
    folder = write(tmp_path / "m")
    checkpoint = load_checkpoint(folder)
    copy = save_checkpoint(
        tmp_path / "copy",
        checkpoint.encoder,
        tokenizer_folder=checkpoint.folder,
        settings=checkpoint.settings,
    )
    again = load_checkpoint(copy)
    assert again.settings == checkpoint.settings
    assert again.model_type == checkpoint.model_type
    torch.testing.assert_close(again.encoder.table, checkpoint.encoder.table, atol=0, rtol=0)
    np.testing.assert_array_equal(encode(copy), encode(folder))
    twice = save_checkpoint(
        tmp_path / "twice", again.encoder, tokenizer_folder=copy, settings=again.settings
    )
    assert load_checkpoint(twice).fingerprint == again.fingerprint


def test_a_linear_map_after_the_mean(tmp_path, folder):
    torch.manual_seed(0)
    projection = torch.nn.Sequential(Projection(6, 3, bias=True, activation="tanh"))
    checkpoint = load_checkpoint(folder)
    copy = save_checkpoint(
        tmp_path / "copy",
        checkpoint.encoder,
        tokenizer_folder=folder,
        settings=checkpoint.settings,
        projection=projection.requires_grad_(False),
    )
    means = torch.from_numpy(expected_vectors(make_table(), normalize=False))
    expected = torch.nn.functional.normalize(projection(means), dim=1)
    close(encode(copy), expected)


@pytest.mark.parametrize("write", [write_model2vec, write_sentence_transformers])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"pooling": "max", "normalize": False},
        {"max_length": 2, "overflow": "truncate"},
        {"prompt": "the ", "truncate_dim": 4},
    ],
    ids=str,
)
def test_a_vectorizer_is_saved_and_loaded(tmp_path, write, parameters):
    vectorizer = EncoderVectorizer(write(tmp_path / "m"), precision="float32", **parameters)
    vectors = vectorizer.fit_transform(TEXTS)
    again = EncoderVectorizer.load(vectorizer.save(tmp_path / "saved"))
    np.testing.assert_array_equal(again.fit_transform(TEXTS), vectors)
    # The folder is a checkpoint that says the same, as far as a checkpoint can.
    bare = EncoderVectorizer(tmp_path / "saved", precision="float32", overflow="truncate")
    np.testing.assert_array_equal(bare.fit_transform(TEXTS), vectors)


@pytest.mark.parametrize(("limit", "said"), [(None, "any length"), (7, "up to 7 tokens")])
def test_the_card_says_how_long_texts_may_be(tmp_path, folder, limit, said):
    vectorizer = EncoderVectorizer(folder, max_length=limit).fit(TEXTS)
    card = (vectorizer.save(tmp_path / "saved") / "README.md").read_text()
    assert f"- texts of {said}\n" in card


def test_the_cache_answers_without_a_model(tmp_path, folder):
    cache = EmbeddingCache(tmp_path / "cache")
    first = EncoderVectorizer(folder, cache=cache).fit_transform(TEXTS)
    again = EncoderVectorizer(folder, cache=cache).fit_transform(TEXTS[::-1])[::-1]
    np.testing.assert_array_equal(first, again)
    assert cache.stats().texts_encoded == len(TEXTS)


def test_pickled_and_loaded_it_is_the_same(folder):
    model = load(folder)
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint == load_checkpoint(folder).fingerprint
    assert torch.equal(again.encode(TEXTS).vectors, model.encode(TEXTS).vectors)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_every_file_counts_for_the_fingerprint(tmp_path, folder, name):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert load_checkpoint(copy).fingerprint == load_checkpoint(folder).fingerprint
    if name == "model.safetensors":
        save_file({"embeddings": make_table() + 1}, copy / name)
    else:
        (copy / name).write_text((copy / name).read_text() + "\n")
    assert load_checkpoint(copy).fingerprint != load_checkpoint(folder).fingerprint


def test_changed_weights_are_noticed(folder):
    model = load(folder)
    with torch.no_grad():
        model.encoder.table += 1
    assert not model.is_as_loaded
    assert model.fingerprint != model.source.fingerprint


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"weights": np.ones(3, np.float32)}, "3 weights for 17 tokens"),
        (
            {"weights": np.full(17, np.nan, np.float32)},
            "finite numbers of 1 dimensions in weights",
        ),
        ({"mapping": np.full(17, 17)}, "from 0 to 16; got torch.int64"),
        ({"mapping": np.full(17, -1)}, "from 0 to 16"),
        ({"mapping": np.zeros(17, np.float32)}, "from 0 to 16; got torch.float32"),
        ({"mapping": np.zeros((1, 17), np.int64)}, "from 0 to 16; got torch.int64 of shape"),
        ({"mapping": np.zeros(0, np.int64)}, "from 0 to 16"),
        ({"mapping": np.zeros(5, np.int64)}, "belongs to another model"),
        ({"embeddings": np.full((17, 2), np.inf, np.float32)}, "in the table of vectors"),
        ({"embeddings": np.zeros((17, 0), np.float32)}, "nothing in the table of vectors"),
        ({"embeddings": np.zeros((17, 2), np.int64)}, "in the table of vectors; got torch.int64"),
        ({"embedding.weight": make_table()}, "has either embeddings or embedding.weight"),
        ({"head": make_table()}, "holds embeddings, head"),
        ({"embeddings": make_table(rows=16)}, "belongs to another model"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_damaged_tables_are_refused(tmp_path, tensors, message):
    folder = write_model2vec(tmp_path / "m", tensors=tensors)
    with pytest.raises(CheckpointError, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((("StaticEmbedding", "."), ("Pooling", "1_Pooling")), "none after a StaticEmbedding"),
        ((("Transformer", "."), ("StaticEmbedding", ".")), "a Transformer or a StaticEmbedding"),
        ((("Normalize", "1_Normalize"),), "a Transformer or a StaticEmbedding"),
        ((("StaticEmbedding", "elsewhere"),), "is not the folder of one"),
    ],
)
def test_steps_that_do_not_fit_are_refused(folder, steps, message):
    write_modules(folder, *steps)
    with pytest.raises(CheckpointError, match=message):
        load(folder)


def test_a_transformer_s_folder_is_no_table(tiny_bert_copy):
    write_modules(tiny_bert_copy, ("StaticEmbedding", "."))
    with pytest.raises(CheckpointError, match="tensor called embeddings or embedding.weight was"):
        load(tiny_bert_copy)


@pytest.mark.parametrize(
    "own", ["mean", {"pooling": 3}, {"pooling": "median"}, {"max_length": True}, {"other": 1}]
)
def test_settings_of_our_own_are_checked(folder, own):
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({"skencoder": own}))
    with pytest.raises(CheckpointError, match="config_sentence_transformers.json"):
        load(folder)


def test_without_a_tokenizer_file_nothing_is_written(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="holds no tokenizer.json"):
        save_checkpoint(
            tmp_path / "new", StaticEncoder(torch.ones(2, 2)), tokenizer_folder=tmp_path / "empty"
        )
    assert not (tmp_path / "new").exists()


def test_what_is_written_is_plain_numbers_for_others(tmp_path, folder):
    checkpoint = load_checkpoint(folder)
    half = checkpoint.encoder.to(torch.bfloat16)
    copy = save_checkpoint(tmp_path / "copy", half, tokenizer_folder=folder)
    table = load_file(copy / "model.safetensors")["embeddings"]
    assert table.dtype == np.float32
    assert table.shape == (len(TOKENS), 6)
    tokenizer = Tokenizer.from_file(str(copy / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == len(table)

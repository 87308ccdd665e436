"""Which engines are chosen, why others are left out, and that peers compute the same vectors."""

import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.engine_process import EngineProcess, started
from benchmarks.engines import (
    BASELINE,
    ENGINES,
    Setup,
    choose_engines,
    load_engine,
)
from benchmarks.errors import EngineUnavailableError
from benchmarks.peer_batches import encode_with, padded_inputs, pool
from benchmarks.peer_exports import exported
from benchmarks.peer_gguf import rename
from benchmarks.peer_llama_cpp import cut_texts
from benchmarks.speed_model import describe_model
from skencoder.errors import ParameterError

TEXTS = ["a", "A longer text, of more than one sentence. This is the other.", "word " * 600, "b c"]
PEERS = [name for name, engine in ENGINES.items() if name.split("-")[0] not in ("skencoder",)]
PACKAGES = {"llama-cpp": "llama_cpp", "sentence-transformers": "sentence_transformers"}


@pytest.fixture
def setup(tiny_bert, tmp_path):
    return Setup(str(tiny_bert), threads=1, exports=str(tmp_path / "exports"))


@pytest.fixture(scope="module")
def facts(tiny_bert):
    return describe_model(str(tiny_bert))


# --- choice


def test_all_are_chosen_where_nothing_is_said():
    assert list(choose_engines(None, None)) == list(ENGINES)


def test_libraries_and_precisions_are_chosen_together():
    chosen = choose_engines(["openvino"], ["bfloat16", "int8"])
    assert list(chosen) == [
        BASELINE, "skencoder-bfloat16", "skencoder-int8", "openvino-bfloat16", "openvino-int8",
    ]  # fmt: skip


def test_an_engine_is_chosen_by_name_in_any_precision():
    assert list(choose_engines(["onnxruntime-int8"], ["float32"])) == [
        BASELINE, "skencoder-float32", "onnxruntime-int8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("against", "precisions", "message"),
    [
        (["abacus"], None, "against: there is no 'abacus'; expected some of sentence-transf"),
        (None, ["int3"], "precision: there is no 'int3'; expected some of float32, bfloat16"),
    ],
)
def test_unknown_names_are_refused_with_the_list(against, precisions, message):
    with pytest.raises(ParameterError, match=message):
        choose_engines(against, precisions)


# --- left out


def test_what_cannot_run_is_left_out_with_the_reason(setup):
    with started(["llama-cpp-file", "skencoder-float32"], setup) as (processes, left_out):
        assert list(processes) == ["skencoder-float32"]
        assert "no file was given" in left_out["llama-cpp-file"]
        vectors = processes["skencoder-float32"].encode(TEXTS)
    np.testing.assert_array_equal(vectors, load_engine(ENGINES["skencoder-float32"], setup)(TEXTS))


def test_nothing_is_measured_without_the_baseline(tmp_path):
    nowhere = Setup(str(tmp_path / "no-model"), threads=1, exports=str(tmp_path))
    with (
        pytest.raises(EngineUnavailableError, match="no-model"),
        started([BASELINE], nowhere),
    ):
        pytest.fail("there is no baseline")


def test_a_process_goes_on_after_an_error_and_is_told_of_when_it_is_killed(setup):
    process = EngineProcess("skencoder-float32", setup)
    process.wait()
    with pytest.raises(EngineUnavailableError, match="its own process failed: .*TextInputError"):
        process.encode([7])
    assert process.seconds(TEXTS) > 0
    assert process.seconds_of_one(TEXTS) > 0
    process._process.kill()
    with pytest.raises(EngineUnavailableError, match="its own process ended with code -9"):
        process.encode(TEXTS)
    process.close()


@pytest.mark.parametrize("name", PEERS)
def test_a_missing_package_is_named_with_what_installs_it(name, setup, monkeypatch):
    library = ENGINES[name].library
    monkeypatch.setitem(sys.modules, PACKAGES.get(library, library), None)
    expected = "no file was given" if name == "llama-cpp-file" else f"{library}.*pip install"

    with pytest.raises(EngineUnavailableError, match=expected):
        load_engine(ENGINES[name], setup)


def test_an_engine_of_another_device_is_left_out(setup):
    on_gpu = Setup(setup.model, 1, setup.exports, device="cuda")
    with pytest.raises(EngineUnavailableError, match="computes on cpu only"):
        load_engine(ENGINES["openvino-int8"], on_gpu)


def test_another_pooling_is_not_computed_wrongly(facts):
    from dataclasses import replace

    for changed in ({"pooling": "max"}, {"projected": True}):
        with pytest.raises(EngineUnavailableError, match="pooling"):
            encode_with(lambda ids: np.zeros(1), replace(facts, **changed))


# --- parts


def test_inputs_are_padded_at_the_end():
    inputs = padded_inputs([[5, 6, 7], [8]])

    np.testing.assert_array_equal(inputs["input_ids"], [[5, 6, 7], [8, 0, 0]])
    np.testing.assert_array_equal(inputs["attention_mask"], [[1, 1, 1], [1, 0, 0]])
    np.testing.assert_array_equal(inputs["token_type_ids"], np.zeros((2, 3)))


def test_pooling_by_hand(facts):
    from dataclasses import replace

    hidden = np.array([[[3, 0], [0, 4], [9, 9]]], dtype=np.float32)  # the last is padding
    mean = replace(facts, pooling="mean", normalize=False)

    np.testing.assert_allclose(pool(hidden, [2], mean), [[1.5, 2]])
    np.testing.assert_allclose(pool(hidden, [2], replace(mean, normalize=True)), [[0.6, 0.8]])
    np.testing.assert_allclose(pool(hidden, [2], replace(mean, pooling="cls")), [[3, 0]])


def test_texts_come_back_in_their_order(facts):
    def forward(token_ids):
        # A token's vector is its own number, so a text's is the mean of its numbers.
        width = max(map(len, token_ids))
        padded = [row + [0] * (width - len(row)) for row in token_ids]
        return np.repeat(np.array(padded, dtype=np.float32)[:, :, None], 32, axis=2)

    texts = TEXTS * 5
    vectors = encode_with(forward, facts)(texts)

    means = [np.mean(facts.tokenizer().encode(text).ids) for text in texts]
    np.testing.assert_allclose(vectors[:, 0], means, rtol=1e-5)


def test_texts_are_cut_where_the_model_cuts_them(facts):
    tokenizer = facts.tokenizer()
    cut = cut_texts(TEXTS, tokenizer, facts.max_length)

    assert [tokenizer.encode(text).ids for text in cut] == [
        tokenizer.encode(text).ids for text in TEXTS
    ]
    assert cut[0] == TEXTS[0]
    assert len(cut[2]) < len(TEXTS[2])


def test_weights_are_renamed_or_left():
    assert rename("encoder.layer.3.output.LayerNorm.bias") == "blk.3.layer_output_norm.bias"
    assert rename("embeddings.word_embeddings.weight") == "token_embd.weight"
    assert rename("embeddings.LayerNorm.weight") == "token_embd_norm.weight"
    assert rename("pooler.dense.weight") is None


def test_an_export_is_made_once_and_never_half(setup, facts):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "model").write_text("weights")
        if len(made) == 1:
            raise OSError("disk full")

    with pytest.raises(EngineUnavailableError, match="the export thing failed: OSError"):
        exported(setup, facts, "thing", make)
    assert not list(setup.exports_folder.rglob("model"))

    first, second = (exported(setup, facts, "thing", make) for _ in range(2))
    assert first == second
    assert len(made) == 2
    assert (first / "model").read_text() == "weights"


# --- the peers themselves, where they are installed


@pytest.mark.parity
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_peer_computes_the_same_vectors(name, setup, tiny_bert):
    library = ENGINES[name].library
    if find_spec(PACKAGES.get(library, library)) is None:
        pytest.skip(f"{library} is not installed")
    try:
        encode = load_engine(ENGINES[name], setup)
    except EngineUnavailableError as error:
        pytest.skip(str(error))
    reference = load_engine(ENGINES["skencoder-float32"], setup)(TEXTS)

    vectors = np.asarray(encode(TEXTS), dtype=np.float64)

    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    least = {"float32": 0.9999, "bfloat16": 0.998, "int8": 0.9}[ENGINES[name].precision]
    assert ((vectors * reference).sum(axis=1) / lengths).min() > least
    config = json.loads((tiny_bert / "config.json").read_text())
    assert vectors.shape == (len(TEXTS), config["hidden_size"])

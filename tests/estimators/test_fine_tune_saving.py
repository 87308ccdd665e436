"""Trained vectorizers as folders: with their head, for other libraries too; and a full disk."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from skencoder import EncoderVectorizer, PseudoPerplexityScorer, TextEncoder
from skencoder.checkpoints import load_checkpoint, load_masked_lm, save_checkpoint, weights
from skencoder.encoder import EncoderConfig, MaskedLM, Rotary
from skencoder.errors import CheckpointError, CheckpointWarning, HeadNotFoundError
from skencoder.objectives import Distillation, MaskedLanguageModeling
from skencoder.objectives.models import open_with_head
from tests.checkpoints.test_checkpoint import edit_weights
from tests.estimators.test_fine_tune import TEXTS, TWO_STEPS, make
from tests.training.corpora import docstrings

MASKED = MaskedLanguageModeling(training=TWO_STEPS)


def perplexity(folder):
    return PseudoPerplexityScorer(folder, device="cpu").fit().perplexity(TEXTS[:3])


POSITIONS = {
    "learned": {"positions": "learned"},
    "sinusoidal": {"positions": "sinusoidal"},
    "rotary": {"positions": "none", "attention_positions": Rotary()},
}


def new_model(positions):
    config = EncoderConfig(
        vocab_size=150,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        **POSITIONS[positions],
    )
    return make(config, MASKED, overflow="truncate").fit(docstrings())


def test_an_adapted_model_is_saved_with_its_head(small_folder, tmp_path):
    vectorizer = make(small_folder, MASKED)
    vectors = vectorizer.fit_transform(TEXTS)
    folder = vectorizer.save(tmp_path / "adapted")
    assert perplexity(folder) == pytest.approx(perplexity(vectorizer._tuned.path), rel=1e-6)
    assert perplexity(folder) != pytest.approx(perplexity(small_folder), rel=1e-6)
    loaded = EncoderVectorizer.load(folder, device="cpu")
    assert loaded.fine_tune is None
    assert loaded.random_state is None
    np.testing.assert_allclose(loaded.fit_transform(TEXTS), vectors, atol=1e-6)


def test_a_published_head_is_saved_too(small_folder, tmp_path):
    vectorizer = EncoderVectorizer(small_folder, device="cpu", cache=None).fit(TEXTS)
    folder = vectorizer.save(tmp_path / "same")
    assert perplexity(folder) == pytest.approx(perplexity(small_folder), rel=1e-6)
    # And one that does without is saved as it was.
    plain = load_checkpoint(small_folder)
    headless = save_checkpoint(
        tmp_path / "headless",
        plain.encoder,
        tokenizer_folder=plain.folder,
        settings=plain.settings,
    )
    again = EncoderVectorizer(headless, device="cpu", cache=None).fit(TEXTS).save(tmp_path / "b")
    with pytest.raises(HeadNotFoundError):
        load_masked_lm(again)


def drop_head(tensors):
    for name in [name for name in tensors if name.startswith("cls.")]:
        del tensors[name]


def drop_head_bias(tensors):
    del tensors["cls.predictions.transform.dense.bias"]


def spoil_head_norm(tensors):
    tensors["cls.predictions.transform.LayerNorm.weight"][0] = np.nan


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_head_bias, "missing: cls.predictions.*bias"),
        (spoil_head_norm, "no finite.*LayerNorm"),
    ],
)
def test_a_damaged_head_is_told_and_nothing_is_saved(small_folder, tmp_path, damage, message):
    damaged = shutil.copytree(small_folder, tmp_path / "damaged")
    edit_weights(damaged, damage)
    vectorizer = EncoderVectorizer(damaged, device="cpu", cache=None).fit(TEXTS)
    with pytest.raises(CheckpointError, match=f"{message}.*encoder is whole, but the head"):
        vectorizer.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    with pytest.raises(CheckpointError, match="encoder is whole, but the head"):
        make(damaged, MASKED).fit(TEXTS)


def test_a_damaged_encoder_is_not_put_down_to_its_head(small_folder, tmp_path):
    damaged = shutil.copytree(small_folder, tmp_path / "damaged")
    edit_weights(damaged, lambda tensors: tensors.pop("bert.encoder.layer.0.output.dense.bias"))
    with pytest.raises(CheckpointError, match="missing: encoder.*output.dense.bias") as refused:
        make(damaged, MASKED).fit(TEXTS)
    assert "whole" not in str(refused.value)


def test_changed_weights_leave_a_head_behind_that_is_not_theirs(small_folder, tmp_path):
    encoder = TextEncoder.load(small_folder, device="cpu")
    with torch.no_grad():
        next(encoder.encoder.parameters()).mul_(1.5)
    vectorizer = EncoderVectorizer(encoder, cache=None)
    vectors = vectorizer.fit_transform(TEXTS)
    with pytest.warns(CheckpointWarning, match="head of .* is left out.*were changed since"):
        folder = vectorizer.save(tmp_path / "changed")
    with pytest.raises(HeadNotFoundError):
        load_masked_lm(folder)
    loaded = EncoderVectorizer.load(folder, device="cpu")
    np.testing.assert_allclose(loaded.fit_transform(TEXTS), vectors, atol=1e-6)


@pytest.mark.filterwarnings("ignore::skencoder.errors.TrainingWarning")
@pytest.mark.parametrize("with_head", [True, False])
def test_weights_are_read_once(small_folder, tmp_path, monkeypatch, with_head):
    folder = shutil.copytree(small_folder, tmp_path / "model")
    if not with_head:
        edit_weights(folder, drop_head)
    vectorizer = EncoderVectorizer(folder, device="cpu", cache=None).fit(TEXTS)
    read = []
    tensors = weights.read_tensors
    monkeypatch.setattr(weights, "read_tensors", lambda path: read.append(path) or tensors(path))
    vectorizer.save(tmp_path / "saved")
    assert len(read) == 1
    assert isinstance(open_with_head(str(folder), seed=0).model, MaskedLM)
    assert len(read) == 2


@pytest.mark.parametrize("objective", [{"static": True}, {"num_hidden_layers": 1}])
def test_a_student_is_saved_and_loaded(small_folder, tmp_path, objective):
    vectorizer = make(small_folder, Distillation(**objective, training=TWO_STEPS))
    vectors = vectorizer.fit_transform(TEXTS)
    loaded = EncoderVectorizer.load(vectorizer.save(tmp_path / "student"), device="cpu")
    np.testing.assert_allclose(loaded.fit_transform(TEXTS), vectors, atol=1e-6)


def test_a_trained_vectorizer_has_to_be_fitted_before_it_is_saved(small_folder, tmp_path):
    with pytest.raises(NotFittedError):
        make(small_folder, MASKED).save(tmp_path / "not fitted")
    assert not any(tmp_path.iterdir())


@pytest.mark.parity
@pytest.mark.parametrize("positions", POSITIONS)
def test_other_libraries_load_a_model_from_scratch(tmp_path, positions):
    import transformers
    from sentence_transformers import SentenceTransformer

    vectorizer = new_model(positions)
    folder = vectorizer.save(tmp_path / positions)
    texts = [text[:60] for text in docstrings()[:4]]
    theirs = SentenceTransformer(str(folder), device="cpu").encode(texts)
    np.testing.assert_allclose(vectorizer.transform(texts), theirs, atol=1e-5)
    ours = load_masked_lm(folder)
    assert isinstance(ours, MaskedLM)
    published = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        found = published(ids, attention_mask=torch.ones_like(ids)).logits
        expected = ours(ids, torch.ones_like(ids))
    torch.testing.assert_close(expected, found, atol=1e-5, rtol=1e-5)


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from skencoder import EncoderVectorizer
from skencoder.objectives import SimCSE, Training
from skencoder.session import session

model, state = sys.argv[1:]
texts = ["one text", "two texts", "three", "four of them"]
vectorizer = EncoderVectorizer(
    model, fine_tune=SimCSE(training=Training(max_steps=1)), random_state=0, device="cpu"
)
vectors = vectorizer.fit_transform(texts)

def refused(**parameters):
    vectorizer.set_params(**parameters)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
    try:
        vectorizer.fit(texts)
    except OSError as error:
        print(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    left = [path for path in (session().folder / "tuned").rglob("*") if path.suffix]
    kept = [path for path in left if vectorizer._tuned.path in path.parents]
    print(left == kept, np.array_equal(vectorizer.transform(texts), vectors))

refused(random_state=1)
refused(random_state=0, fine_tune__training__folder=state)
# When there is room again, all goes well.
again = vectorizer.fit(texts)
print(np.array_equal(again.transform(texts), vectors))
good = {path: path.read_bytes() for path in Path(state).rglob("*") if path.is_file()}
refused(fine_tune__training__save_seconds=0.0)
print({path: path.read_bytes() for path in Path(state).rglob("*") if path.is_file()} == good)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of a file's size")
def test_a_full_disk_is_told_and_leaves_the_last_good_model(small_folder, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(small_folder), str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=True,
    )
    first, whole, second, *rest = run.stdout.splitlines()
    assert "The model could not be written among the temporary files" in first
    assert "or set TMPDIR to another place" in first
    assert "The training state could not be written" in second
    assert "there is none yet" in second
    assert "could not be written" in rest[2]
    assert [whole, *rest[:2], *rest[3:]] == ["True True", "True True", "True", "True True", "True"]

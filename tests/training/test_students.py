"""Smaller models: which weights they begin with, and that they learn and are written."""

import numpy as np
import pytest
import torch

from skencoder.distillation import distill_static
from skencoder.encoder import Encoder, EncoderConfig, Readout, Rotary, StaticEncoder
from skencoder.encoding_options import EncodingOptions
from skencoder.errors import CheckpointError, ParameterError
from skencoder.training.losses import vector_loss
from skencoder.training.options import AdapterOptions
from skencoder.training.parts import Parts, load_parts
from skencoder.training.students import fewer_layers, narrower
from skencoder.training.tasks import EmbeddingTask
from skencoder.training.tuning import Tuning, text_source, tune
from tests.training.corpora import docstrings
from tests.training.small import (
    SIZES,
    assert_equal,
    draw_texts,
    embed,
    loop_options,
    make_encoder,
    make_learner,
    seeded,
    weights,
)

MODERN = {
    "positions": "none",
    "attention_positions": Rotary(),
    "norm_position": "pre",
    "embedding_norm": True,
    "gated": True,
    "type_vocab_size": 0,
    "unbiased": ("attention", "expand", "contract", "norm"),
}
# What a student may be made of, beside BERT.
MODELS = {
    "bert": {},
    "sinusoidal": {"positions": "sinusoidal", "type_vocab_size": 0},
    "modern": {**MODERN, "windows": (None, 4, 4, None)},
}


def vectors(encoder, layer=-1):
    learner = make_learner(encoder, readout=Readout(layer, ("mean",), 0))
    learner.train(False)
    with torch.no_grad():
        return embed(learner, draw_texts())


@pytest.mark.parametrize("model", MODELS)
def test_all_layers_kept(model):
    encoder = make_encoder(num_hidden_layers=4, **MODELS[model])
    student = fewer_layers(encoder, 4)
    assert torch.equal(vectors(student), vectors(encoder))
    assert student.config == encoder.config
    # Copies: the teacher stays as it is.
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.zero_()
    assert vectors(encoder).abs().max() > 0.1


@pytest.mark.parametrize(
    ("layers", "kept"),
    [(1, [0]), (2, [0, 5]), (3, [0, 2, 5]), (4, [0, 2, 3, 5]), (5, [0, 1, 2, 4, 5])],
)
def test_layers_kept(layers, kept):
    encoder = make_encoder(num_hidden_layers=6)
    student = fewer_layers(encoder, layers)
    assert len(student.layers) == student.config.num_hidden_layers == layers
    for place, layer in zip(kept, student.layers, strict=True):
        assert_equal(weights({"": layer}), weights({"": encoder.layers[place]}))
    assert_equal(weights({"": student.embeddings}), weights({"": encoder.embeddings}))


def test_kept_layers_keep_their_windows():
    encoder = make_encoder(num_hidden_layers=4, **MODELS["modern"])
    assert fewer_layers(encoder, 3).config.windows == (None, 4, None)
    # A model without any window is written like one that never had them.
    student = fewer_layers(encoder, 2)
    assert student.config.windows is None
    assert_equal(weights({"": student.final_norm}), weights({"": encoder.final_norm}))
    # What both layers compute, one after the other.
    encoder.layers[1] = encoder.layers[3]
    assert torch.equal(vectors(student, 1), vectors(encoder, 1))


def test_layers_that_are_not_there():
    encoder = make_encoder()
    with pytest.raises(ParameterError, match="num_hidden_layers=3, but the model has 2"):
        fewer_layers(encoder, 3)
    with pytest.raises(ParameterError, match="num_hidden_layers"):
        fewer_layers(encoder, 0)
    shared = Encoder(EncoderConfig(**SIZES, num_hidden_groups=1))
    with pytest.raises(CheckpointError, match="layers share their weights"):
        fewer_layers(shared, 1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("hidden_size", [8, 24])
def test_narrower(model, hidden_size):
    encoder = make_encoder(num_hidden_layers=4, **MODELS[model])
    student = narrower(encoder, hidden_size)
    config = student.config
    assert config.head_dim == encoder.config.head_dim
    assert config.intermediate_size == 48 * hidden_size // 32
    assert vectors(student).shape == (12, hidden_size)
    wide = weights({"": encoder})
    for name, value in weights({"": student}).items():
        corner = wide[name][tuple(slice(size) for size in value.shape)]
        assert torch.equal(value, corner), name
    # Sines depend on the width, and are no weights.
    fresh = Encoder(config)
    fresh.load_state_dict(student.state_dict())
    assert torch.equal(vectors(fresh), vectors(student))


@pytest.mark.parametrize("hidden_size", [0, 12, 32, 40])
def test_a_width_that_does_not_fit(hidden_size):
    with pytest.raises(ParameterError, match="hidden_size"):
        narrower(make_encoder(), hidden_size)


@pytest.mark.parametrize("fields", [{"num_key_value_heads": 2}, {"embedding_size": 16}])
def test_a_model_that_does_not_shrink(fields):
    with pytest.raises(CheckpointError, match="Only models with one width"):
        narrower(make_encoder(**fields), 16)


def test_no_chance_is_touched():
    encoder = make_encoder()
    state = torch.random.get_rng_state()
    fewer_layers(encoder, 1)
    narrower(encoder, 16)
    assert torch.equal(torch.random.get_rng_state(), state)


def shrink(folder, kind):
    parts = load_parts(folder)
    if kind == "static":
        return load_parts(distill_static(str(folder), n_components=None).source.model)
    small = fewer_layers(parts.model, 1) if kind == "fewer" else narrower(parts.model, 16)
    return Parts(small, parts.tokenizer_folder, parts.settings, None)


def teach(parts, teacher, texts, **options):
    """Let a student learn vectors."""
    source = text_source(parts, EncodingOptions(overflow="truncate"))
    members = np.arange(len(texts))[None]
    task = EmbeddingTask(
        source.read(texts),
        members,
        lambda found, rows: vector_loss(found[0], teacher[torch.from_numpy(rows)]),
    )
    tuning = Tuning(
        loop_options(epochs=8, batch_size=8, **options), torch.device("cpu"), seed=0, identity=""
    )
    return tune(parts, source, task, tuning, lambda record, total: None)


@pytest.mark.parametrize("kind", ["fewer", "narrower", "static"])
def test_students_learn_and_are_written(kind, small_folder, tmp_path):
    parts = shrink(small_folder, kind)
    width = parts.model.config.hidden_size
    texts = [text[:80] for text in docstrings()[:16]]
    teacher = torch.randn(16, width, generator=seeded(2))
    tuned, records = teach(parts, teacher, texts)
    assert records[-1].loss < 0.9 * records[0].loss
    again = load_parts(tuned.save(tmp_path / "student"))
    assert type(again.model) is type(tuned.model)
    assert again.model.config == tuned.model.config
    assert_equal(weights({"": again.model}), weights({"": tuned.model}))


def test_a_static_student_without_known_tokens(small_folder, tmp_path):
    """Its zeros stay zeros, and the other rows learn at their usual rate."""
    parts = shrink(small_folder, "static")
    assert isinstance(parts.model, StaticEncoder)
    texts = ["", *(text[:80] for text in docstrings()[:15])]
    teacher = torch.randn(16, parts.model.config.hidden_size, generator=seeded(2))
    tuned, records = teach(parts, teacher, texts)
    assert tuned.model.table[-1].abs().max() == 0
    assert records[-1].loss < records[0].loss
    assert max(record.gradient_norm for record in records) < 100


def test_a_static_student_has_no_adapters(small_folder):
    parts = shrink(small_folder, "static")
    with pytest.raises(ParameterError, match="lora_rank must be None"):
        teach(parts, torch.zeros(2, 32), ["one", "two"], adapters=AdapterOptions())

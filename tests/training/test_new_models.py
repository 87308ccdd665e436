"""New models: drawn from a seed alone, written at once, and the same in other libraries."""

import numpy as np
import pytest
import torch

from skencoder import TextEncoder
from skencoder.checkpoints import load_checkpoint, load_masked_lm, save_checkpoint
from skencoder.encoder import EncoderConfig, Rotary
from skencoder.errors import CheckpointError, ParameterError
from skencoder.pseudo_likelihood import PseudoLikelihood
from skencoder.training.new_models import create_masked_lm, plan_masked_lm
from skencoder.training.new_tokenizers import train_tokenizer
from tests.training.corpora import docstrings

SIZES = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"intermediate_size": 48, "max_position_embeddings": 64}
ROTARY = {"positions": "none", "attention_positions": Rotary()}
# Fields of EncoderConfig, the tokenizer's kind, and the family that is written.
CASES = {
    "learned": ({}, "wordpiece", "bert"),
    "learned-bytes": ({}, "bpe", "bert"),
    "relu": ({"hidden_act": "relu"}, "wordpiece", "bert"),
    "roberta": ({"pad_token_id": 1}, "bpe", "roberta"),
    "roberta-wordpiece": ({"pad_token_id": 1}, "wordpiece", "roberta"),
    "narrow-tables": ({"embedding_size": 16}, "wordpiece", "electra"),
    "no-segments": ({"type_vocab_size": 0}, "wordpiece", "distilbert"),
    "sinusoidal": ({"positions": "sinusoidal"}, "wordpiece", "distilbert"),
    "sinusoidal-pieces": ({"positions": "sinusoidal", "hidden_act": "relu"}, "bpe", "distilbert"),
    "rotary": ({**ROTARY}, "wordpiece", "jina_embeddings_v3"),
    "rotary-theta": (
        {**ROTARY, "attention_positions": Rotary(theta=500, scale=2), "hidden_act": "silu"},
        "unigram",
        "jina_embeddings_v3",
    ),
    "rotary-pre-norm": (
        {
            **ROTARY,
            "norm_position": "pre",
            "embedding_norm": True,
            "gated": True,
            "windows": (None, 5),
        },
        "bpe",
        "modernbert",
    ),
    "rotary-gated": (
        {
            **ROTARY,
            "gated": True,
            "unbiased": ("attention", "expand", "contract"),
        },
        "unigram",
        "nomic_bert",
    ),
}
# Of 5 to 47 characters, so that no tokenizer goes beyond the positions.
TEXTS = [text[: 5 + 6 * row] for row, text in enumerate(docstrings()[:8])]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """A tokenizer of each kind."""
    root = tmp_path_factory.mktemp("tokenizers")
    return {
        kind: train_tokenizer(docstrings(), root / kind, kind=kind, vocab_size=300)
        for kind in ("wordpiece", "bpe", "unigram")
    }


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def model(case, tokenizers):
    fields, kind, _ = CASES[case]
    created = create(EncoderConfig(**SIZES | fields), tokenizers[kind])
    with torch.no_grad():
        for parameter in created.parameters():
            # Norms and biases start at 1 and 0, where a mistake would not show.
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=seeded(1)))
    return created.eval()


@pytest.fixture(scope="module")
def folder(case, model, tokenizers, tmp_path_factory):
    source = tokenizers[CASES[case][1]].folder
    return save_checkpoint(tmp_path_factory.mktemp(case), model, tokenizer_folder=source)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def create(config, tokenizer, seed=0):
    return create_masked_lm(config, tokenizer.folder, generator=seeded(seed))


def draw_batch(model):
    """Ids without padding's, and the mask of a padded batch."""
    input_ids = torch.randint(5, model.encoder.config.vocab_size, (3, 40), generator=seeded(2))
    return input_ids, (torch.arange(40) < torch.tensor([[40], [17], [1]])).long()


def test_loaded_again(case, model, folder):
    assert load_checkpoint(folder).model_type == CASES[case][2]
    again = load_masked_lm(folder)
    assert again.encoder.config == model.encoder.config
    assert again.head_config == model.head_config
    input_ids, mask = draw_batch(model)
    torch.testing.assert_close(again(input_ids, mask), model(input_ids, mask), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        load_checkpoint(folder).encoder(input_ids, mask),
        model.encoder(input_ids, mask),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parity
def test_in_transformers(model, folder):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    theirs, loading = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    batch = AutoTokenizer.from_pretrained(folder)(
        TEXTS, padding=True, truncation=True, max_length=64, return_tensors="pt"
    )
    mask = batch["attention_mask"]
    assert mask.min() == 0
    with torch.no_grad():
        expected = theirs.eval()(**batch).logits[mask.bool()]
        found = model(batch["input_ids"], mask)[mask.bool()]
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parity
def test_in_sentence_transformers(folder):
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    found = TextEncoder.load(folder, precision="float32", device="cpu").encode(TEXTS).vectors
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_its_tokens_are_scored(folder):
    scores = PseudoLikelihood.load(folder, device="cpu").score(TEXTS[:2])
    assert scores.counts.min() > 0
    assert np.isfinite(scores.log_probabilities).all()


def test_new_weights(tokenizers):
    state = torch.random.get_rng_state()
    one, same, other = (
        create(EncoderConfig(**SIZES), tokenizers["wordpiece"], seed) for seed in (5, 5, 6)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    for first, second in zip(one.parameters(), same.parameters(), strict=True):
        assert torch.equal(first, second)
    table, others = (model.encoder.embeddings.token.weight for model in (one, other))
    assert not torch.equal(table, others)
    assert table.std().item() == pytest.approx((2 / 5 / 32) ** 0.5, rel=0.05)
    assert one.training
    assert all(parameter.requires_grad for parameter in one.parameters())
    # One generator gives one model after the other.
    generator = seeded(5)
    first, second = (
        create_masked_lm(EncoderConfig(**SIZES), tokenizers["bpe"].folder, generator=generator)
        for _ in range(2)
    )
    assert not torch.equal(first.head.transform.weight, second.head.transform.weight)


def test_tokens_are_heard_beside_sines(tokenizers):
    fields = SIZES | {"hidden_size": 128, "positions": "sinusoidal"}
    model = create(EncoderConfig(**fields), tokenizers["wordpiece"])
    table = model.encoder.embeddings.token.weight
    assert table.std().item() == pytest.approx(0.3, rel=0.05)
    # The head's first guesses are as sure as any new model's.
    input_ids, mask = draw_batch(model.eval())
    with torch.no_grad():
        log_probabilities = model(input_ids, mask)[mask.bool()].log_softmax(dim=-1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=-1)
    assert entropy.min() > 0.9 * np.log(len(table))


def test_sizes_are_the_tokenizers(tokenizers):
    config = EncoderConfig(**SIZES | {"vocab_size": 9_999, "pad_token_id": 7})
    found = create(config, tokenizers["wordpiece"]).encoder.config
    assert (found.vocab_size, found.pad_token_id) == (300, 0)
    planned, _ = plan_masked_lm(config, kind="bpe")
    assert (planned.vocab_size, planned.pad_token_id) == (9_999, 1)


def test_a_tokenizer_without_padding(tokenizers, tmp_path):
    path = tokenizers["wordpiece"].folder / "tokenizer.json"
    text = path.read_text(encoding="utf-8").replace("[PAD]", "[PUT]")
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    config = EncoderConfig(**SIZES, pad_token_id=0)
    with pytest.raises(ParameterError, match="the tokenizer in .* has none; choose pad_token_id="):
        create_masked_lm(config, tmp_path, generator=seeded(0))


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"norm": "rms"}, "With norm='layer' it can be written"),
        (
            {"attention_positions": Rotary(), "gated": True, "unbiased": ("expand",)},
            "With positions='none' it can be written",
        ),
    ],
)
def test_what_no_family_has_is_refused_at_once(fields, advice):
    with pytest.raises(CheckpointError, match=advice):
        plan_masked_lm(EncoderConfig(**SIZES | fields))

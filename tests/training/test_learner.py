"""The model while it learns: packed as padded, in every precision, with less memory, on a GPU."""

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from skencoder.checkpoints import load_masked_lm
from skencoder.encoder import (
    Readout,
    SelfAttention,
    StaticEncoder,
    run_attention,
    varlen_attention,
)
from skencoder.encoding_options import EncodingOptions
from skencoder.training.attention import attend_for_training
from skencoder.training.batches import pack_texts
from skencoder.training.loop import Training
from skencoder.training.losses import masked_token_loss
from skencoder.training.masking import choose_places, mask_tokens
from skencoder.training.parts import load_parts
from skencoder.training.steps import accumulate_embedding_loss
from skencoder.training.tasks import EmbeddingTask
from skencoder.training.tuning import text_source
from tests.encoder.gpu import on_gpu
from tests.training.corpora import docstrings
from tests.training.small import (
    NO_DROPOUT,
    assert_close,
    cloned,
    draw_texts,
    embed,
    gradients,
    loop_options,
    make_encoder,
    make_learner,
    make_masked_lm,
    pair_task,
    rank,
    seeded,
    weights,
    write_small,
)

TEXTS = draw_texts()
# Of 5 to 97 characters.
RAGGED = [text[: 5 + 4 * row] for row, text in enumerate(docstrings()[:24])]


@pytest.fixture(scope="module")
def calm_folder(tmp_path_factory):
    """The small model without dropout."""
    return write_small(tmp_path_factory.mktemp("calm"), **NO_DROPOUT)


def pad(texts):
    """Give texts as other libraries take them: ids and a mask, (batch, sequence)."""
    rows = [torch.from_numpy(ids) for ids in np.split(texts.input_ids, texts.offsets[1:-1])]
    ids = pad_sequence(rows, batch_first=True).long()
    mask = torch.arange(ids.shape[1]) < torch.from_numpy(texts.lengths)[:, None]
    return ids, mask


def their_step(model, optimizer, texts, n_rows, longest):
    """Take the step that the loop takes, padded."""
    ids, mask = pad(texts)
    states = model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    vectors = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    optimizer.zero_grad()
    loss = rank(vectors.unflatten(0, (2, n_rows)), None)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), longest)
    optimizer.step()
    return loss.item(), norm.item()


def settled(model):
    """The weights, but for keys' biases.

    These shift all scores of a query alike, which changes nothing: their gradient is rounding, and
    Adam makes steps of it.
    """
    named = weights({"model": model}).items()
    return {name: value for name, value in named if not name.endswith("key.bias")}


@pytest.mark.parity
def test_packed_training_equals_padded_training(calm_folder, tmp_path):
    """The loop against transformers' model in a loop of its own: losses, norms, all weights."""
    from transformers import BertModel

    parts = load_parts(calm_folder)
    parts.model.requires_grad_(True)
    texts = text_source(parts, EncodingOptions(overflow="truncate")).read(RAGGED)
    assert len(set(texts.lengths.tolist())) > 12
    task = EmbeddingTask(texts, np.arange(24).reshape(2, 12), rank)
    options = loop_options(
        batch_size=5, batch_tokens=100, schedule="constant", warmup=0.0, learning_rate=2e-4
    )
    training = Training(make_learner(parts.model), task, options, seed=0)
    assert training.total == 6

    theirs = BertModel.from_pretrained(calm_folder, add_pooling_layer=False).train()
    groups = [
        {"params": [p for p in theirs.parameters() if p.dim() > 1], "weight_decay": 0.01},
        {"params": [p for p in theirs.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=2e-4)
    expected = []
    for number in range(training.total):
        rows = training.drawing.step(number).rows
        chosen = texts.take_rows(task.members[:, rows].ravel())
        expected.append(their_step(theirs, optimizer, chosen, len(rows), options.max_grad_norm))
    training.run(lambda record, total: None)

    found = [(record.loss, record.gradient_norm) for record in training.records]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    theirs.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((calm_folder / "tokenizer.json").read_bytes())
    tuned, reference = settled(parts.model), settled(load_parts(tmp_path).model)
    before = settled(load_parts(calm_folder).model)
    assert max((before[name] - tuned[name]).abs().max() for name in tuned) > 1e-3
    assert_close(tuned, reference, 1e-5)


@pytest.mark.parity
def test_masked_tokens_as_in_transformers(calm_folder):
    """Loss and gradients against labels of -100 on a padded batch."""
    from transformers import BertForMaskedLM

    learner = make_learner(load_masked_lm(calm_folder).requires_grad_(True))
    texts = text_source(load_parts(calm_folder), EncodingOptions(overflow="truncate")).read(
        RAGGED[:8]
    )
    maskable = texts.input_ids > 4
    rng = np.random.default_rng(0)
    places = choose_places(maskable, generator=rng)
    masked = mask_tokens(
        texts.input_ids, places, mask_id=4, random_ids=np.arange(5, 200), generator=rng
    )
    packed = pack_texts(type(texts)(masked.input_ids, texts.offsets), "cpu")
    logits = learner.guess(packed, torch.from_numpy(places))
    loss = masked_token_loss(logits, torch.from_numpy(masked.targets)) / len(places)
    loss.backward()

    theirs = BertForMaskedLM.from_pretrained(calm_folder).train()
    ids, mask = pad(type(texts)(masked.input_ids, texts.offsets))
    labels = torch.full_like(ids, -100)
    flat = torch.full((len(texts.input_ids),), -100)
    flat[places] = torch.from_numpy(masked.targets).long()
    labels[mask] = flat
    expected = theirs(input_ids=ids, attention_mask=mask.long(), labels=labels).loss
    expected.backward()

    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    found = gradients(learner)
    for ours, name in (
        ("model.encoder.embeddings.token.weight", "bert.embeddings.word_embeddings.weight"),
        ("model.head.decoder.bias", "cls.predictions.bias"),
        ("model.head.transform.weight", "cls.predictions.transform.dense.weight"),
        (
            "model.encoder.layers.0.attention.sublayer.query.weight",
            "bert.encoder.layer.0.attention.self.query.weight",
        ),
    ):
        reference = theirs.get_parameter(name).grad
        assert reference.abs().max() > 1e-4
        assert_close({name: found[ours]}, {name: reference}, 1e-6)


def gradient_of(learner, loss=rank, seed=5, batch_tokens=60, task=None):
    """Gradients of one step of pairs."""
    task = task or pair_task(6)
    learner.train()
    texts = task.texts.take_rows(task.members.ravel())
    accumulate_embedding_loss(
        learner,
        texts,
        lambda vectors: loss(vectors.unflatten(0, (2, 6)), None),
        batch_tokens=batch_tokens,
        seed=seed,
    )
    return gradients(learner)


def likeness(found, expected):
    """Cosine of two gradients, all parameters end to end."""
    found, expected = (
        torch.cat([named[name].flatten().cpu() for name in expected])
        for named in (found, expected)
    )
    return torch.nn.functional.cosine_similarity(found, expected, dim=0).item()


def attentions(model):
    return {m.attention for m in model.modules() if isinstance(m, SelfAttention)}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_gradient_checkpointing_changes_no_gradient(precision):
    """Dropout included: what is computed again drops what it dropped before."""
    plain, saving = make_encoder(), make_encoder()
    saving.gradient_checkpointing = True
    autocast = precision == "bfloat16"
    expected = gradient_of(make_learner(plain, autocast=autocast))
    assert_close(gradient_of(make_learner(saving, autocast=autocast)), expected, 1e-6)


def test_gradient_checkpointing_of_masked_tokens():
    found = []
    for saves in (False, True):
        model = make_masked_lm()
        model.encoder.gradient_checkpointing = saves
        learner = make_learner(model)
        learner.train()
        learner.seed(3)
        learner.guess(pack_texts(TEXTS, "cpu"), torch.tensor([1, 4, 30])).logsumexp(
            1
        ).sum().backward()
        found.append(gradients(learner))
    assert_close(found[1], found[0], 1e-6)


def test_less_is_kept_for_the_way_back():
    """Gradient checkpointing keeps what comes into a layer, and little else."""
    kept = []
    for saves in (False, True):
        model = make_encoder(num_hidden_layers=6)
        model.gradient_checkpointing = saves
        learner, sizes = make_learner(model, readout=Readout(6, ("mean",), 0)), []
        learner.train()
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.append(tensor.numel()) or tensor,  # noqa: B023
            lambda tensor: tensor,
        ):
            embed(learner, TEXTS)
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 3


def test_bfloat16_on_a_cpu():
    single, half = make_encoder(**NO_DROPOUT), make_encoder(**NO_DROPOUT)
    expected = gradient_of(make_learner(single))
    learner = make_learner(half, autocast=True)
    found = gradient_of(learner)
    assert {gradient.dtype for gradient in found.values()} == {torch.float32}
    vectors = embed(learner, TEXTS)
    assert vectors.dtype == torch.float32
    assert 1e-4 < (vectors - embed(make_learner(single), TEXTS)).abs().max() < 0.1
    assert likeness(found, expected) > 0.999
    logits = make_learner(make_masked_lm(), autocast=True).guess(
        pack_texts(TEXTS, "cpu"), torch.tensor([2, 5])
    )
    assert logits.shape == (2, 200)
    assert logits.dtype == torch.bfloat16


def test_guesses_where_it_is_asked():
    model = make_masked_lm()
    learner = make_learner(model)
    learner.train(False)
    packed, places = pack_texts(TEXTS, "cpu"), torch.tensor([0, 7, 8, 121])
    expected = model.forward_packed(packed.input_ids, packed.boundaries)[places]
    assert_close({"": learner.guess(packed, places)}, {"": expected}, 1e-6)


def test_no_head_guesses_nothing():
    with pytest.raises(TypeError, match="no head"):
        make_learner().guess(pack_texts(TEXTS, "cpu"), torch.tensor([0]))


def test_seed_of_dropout():
    learner = make_learner()
    state = torch.random.get_rng_state()
    drawn = []
    for seed in (4, 5, 4, 2**63 + 4):
        learner.seed(seed)
        drawn.append(torch.rand(3).tolist())
    assert drawn[0] == drawn[2] == drawn[3] != drawn[1]
    torch.random.set_rng_state(state)


def test_a_text_without_known_tokens_teaches_a_table_nothing():
    """Its vector is zero, whose direction has no gradient to speak of."""
    encoder = StaticEncoder(torch.randn(20, 8, generator=seeded()))
    learner = make_learner(encoder, readout=Readout(0, ("mean",), 0))
    texts = draw_texts([3, 1, 2])
    ids = np.array([4, 5, 6, -1, 7, 7], np.int32)
    vectors = embed(learner, type(texts)(ids, texts.offsets))
    assert vectors[1].tolist() == [0] * 8
    vectors.sum().backward()
    assert encoder.table.grad[-1].tolist() == [0] * 8
    assert encoder.table.grad[7].tolist() == [1] * 8
    assert encoder.table.grad[4].tolist() == pytest.approx([1 / 3] * 8)


def test_attention_on_a_cpu_stays():
    model = make_encoder()
    with attend_for_training(model):
        assert attentions(model) == {run_attention}
    assert attentions(model) == {run_attention}


@on_gpu
def test_attention_on_a_gpu(monkeypatch):
    """torch's kernel for packed texts is called, and all is as it was afterwards."""
    from torch.nn.attention import varlen

    calls, kernel = [], varlen.varlen_attn
    monkeypatch.setattr(varlen, "varlen_attn", lambda *a, **k: calls.append(1) or kernel(*a, **k))
    # Its heads are 8 wide.
    model = make_encoder(**NO_DROPOUT).cuda()
    expected = gradient_of(make_learner(make_encoder(**NO_DROPOUT)))
    learner = make_learner(model, autocast=True)
    with attend_for_training(model):
        assert attentions(model) == {varlen_attention}
        assert not torch.backends.cuda.cudnn_sdp_enabled()
        found = gradient_of(learner)
    assert torch.backends.cuda.cudnn_sdp_enabled()
    assert calls
    assert {m.attention for m in model.modules() if isinstance(m, SelfAttention)} == {
        run_attention
    }
    ours, theirs = (
        torch.cat([g.flatten().cpu() for g in by.values()]) for by in (found, expected)
    )
    assert torch.nn.functional.cosine_similarity(ours, theirs, dim=0) > 0.995


@on_gpu
def test_single_precision_on_a_gpu():
    expected = gradient_of(make_learner(make_encoder(**NO_DROPOUT)))
    model = make_encoder(**NO_DROPOUT).cuda()
    with attend_for_training(model):
        assert_close(gradient_of(make_learner(model)), expected, 1e-3)


@on_gpu
@pytest.mark.parametrize("autocast", [False, True])
def test_gradient_checkpointing_on_a_gpu(autocast):
    plain = make_encoder(attention_probs_dropout_prob=0.0).cuda()
    saving = cloned(plain)
    saving.gradient_checkpointing = True
    expected = gradient_of(make_learner(plain, autocast=autocast))
    assert_close(gradient_of(make_learner(saving, autocast=autocast)), expected, 1e-3)


@on_gpu
def test_seeds_reach_one_device_only():
    """A model on the host leaves the GPU's generator alone."""
    torch.cuda.manual_seed(1)
    state = torch.cuda.get_rng_state()
    make_learner().seed(5)
    assert torch.equal(torch.cuda.get_rng_state(), state)
    learner = make_learner(make_encoder().cuda())
    learner.seed(5)
    drawn = torch.rand(3, device="cuda")
    learner.seed(5)
    assert torch.equal(torch.rand(3, device="cuda"), drawn)
    torch.cuda.set_rng_state(state)

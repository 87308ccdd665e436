"""LoRA: begins as the encoder was, trains little, and merges into what it computed."""

import copy

import pytest
import torch

from skencoder.encoder import (
    Boundaries,
    Encoder,
    EncoderConfig,
    HeadConfig,
    MaskedLM,
    SelfAttention,
    can_prepack,
    prepack,
)
from skencoder.errors import ParameterError
from skencoder.training.adapted_linear import AdaptedLinear
from skencoder.training.adapters import add_adapters, merge_adapters

ALL = ("query", "key", "value", "output", "expand", "contract")
IDS = torch.tensor([5, 6, 7, 8, 9, 10, 11])


def make_encoder(**changes):
    torch.manual_seed(0)
    sizes = {
        "vocab_size": 20,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 8,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    return Encoder(EncoderConfig(**sizes | changes)).eval()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def vectors(encoder):
    return encoder.forward_packed(IDS, Boundaries.from_lengths([4, 3]))


def train(encoder, steps=3):
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.05)
    target = torch.randn(len(IDS), 16, generator=seeded(1))
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (vectors(encoder) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_it_begins_as_the_encoder_was():
    encoder = make_encoder()
    before = vectors(encoder)
    names = add_adapters(encoder, targets=ALL, generator=seeded())
    assert torch.equal(vectors(encoder), before)
    assert len(names) == 2 * len(ALL)
    assert names[0] == "layers.0.attention.sublayer.query"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_hidden_groups": 1},
        {"gated": True, "norm_position": "pre", "unbiased": ("attention", "expand", "contract")},
    ],
    ids=["plain", "shared", "gated"],
)
def test_merged_it_computes_what_it_computed(changes):
    encoder = make_encoder(**changes)
    names = [name for name, _ in encoder.named_parameters()]
    before = vectors(encoder).detach()
    gate = ("gate",) if changes.get("gated") else ()
    add_adapters(encoder, rank=4, targets=ALL + gate, generator=seeded())
    train(encoder)
    adapted = vectors(encoder).detach()
    assert (adapted - before).abs().max() > 0.1
    merge_adapters(encoder)
    torch.testing.assert_close(vectors(encoder), adapted, atol=1e-6, rtol=1e-6)
    assert [name for name, _ in encoder.named_parameters()] == names
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert not any(isinstance(module, AdaptedLinear) for module in encoder.modules())


def test_the_formula():
    linear = torch.nn.Linear(6, 4)
    adapted = AdaptedLinear(linear, rank=2, scale=8.0, dropout=0.0, generator=seeded())
    adapted.up.data.normal_()
    x = torch.randn(3, 6)
    expected = x @ (linear.weight + 8.0 * adapted.up @ adapted.down).T + linear.bias
    torch.testing.assert_close(adapted(x), expected, atol=1e-5, rtol=1e-5)


def test_the_addition_is_scaled_by_alpha_over_rank():
    encoder = make_encoder()
    add_adapters(encoder, rank=4, alpha=6.0, generator=seeded())
    assert {m.scale for m in encoder.modules() if isinstance(m, AdaptedLinear)} == {1.5}


def test_only_the_adapters_are_trained():
    encoder = make_encoder()
    plain = {name: value.clone() for name, value in encoder.state_dict().items()}
    add_adapters(encoder, rank=2, generator=seeded())
    losses = train(encoder, steps=8)
    assert losses[-1] < losses[0]
    trained = {n: value for n, value in encoder.named_parameters() if value.requires_grad}
    assert {name.rsplit(".", 1)[1] for name in trained} == {"down", "up"}
    # Two maps of two layers, each with A of (2, 16) and B of (16, 2).
    assert sum(value.numel() for value in trained.values()) == 4 * 2 * 2 * 16
    after = {name.replace(".linear.", "."): value for name, value in encoder.state_dict().items()}
    assert all(torch.equal(after[name], value) for name, value in plain.items())


def test_layers_that_share_weights_share_their_adapters():
    encoder = make_encoder(num_hidden_layers=4, num_hidden_groups=2)
    names = add_adapters(encoder, targets=["query"], generator=seeded())
    assert len(names) == 2


def test_gradient_checkpointing_gives_the_same_gradients():
    encoder = make_encoder()
    add_adapters(encoder, targets=ALL, generator=seeded())
    train(encoder, steps=1)
    gradients = []
    for saving in (False, True):
        encoder.zero_grad()
        encoder.train().gradient_checkpointing = saving
        vectors(encoder).square().sum().backward()
        gradients.append([p.grad.clone() for p in encoder.parameters() if p.requires_grad])
    assert any(gradient.any() for gradient in gradients[0])
    torch.testing.assert_close(gradients[1], gradients[0])


def test_a_copy_is_trained_and_merged_alone():
    encoder = make_encoder()
    add_adapters(encoder, generator=seeded())
    before = vectors(encoder)
    twin = copy.deepcopy(encoder)
    train(twin)
    merge_adapters(twin)
    assert torch.equal(vectors(encoder), before)
    assert not torch.equal(vectors(twin), before)


def test_merging_leaves_weights_alone_that_others_share():
    encoder = make_encoder()
    query = encoder.layers[0].attention.sublayer.query
    shared = query.weight.detach()
    former = shared.clone()
    add_adapters(encoder, generator=seeded())
    train(encoder)
    merge_adapters(encoder)
    assert torch.equal(shared, former)
    assert not torch.equal(query.weight, former)


def test_a_seed_gives_the_same_matrices():
    states = []
    for seed in (3, 3, 4):
        encoder = make_encoder()
        add_adapters(encoder, generator=seeded(seed))
        states.append(encoder.get_parameter("layers.0.attention.sublayer.query.down"))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    assert 0 < states[0].abs().max() <= 16**-0.5


def test_dropout_acts_in_training_only():
    encoder = make_encoder()
    add_adapters(encoder, dropout=0.5, generator=seeded())
    # The encoder was in evaluation, so its new parts are.
    assert not any(module.training for module in encoder.modules())
    for name, value in encoder.named_parameters():
        if name.endswith(".up"):
            value.data.normal_()
    assert torch.equal(vectors(encoder), vectors(encoder))
    encoder.train()
    assert not torch.equal(vectors(encoder), vectors(encoder))


def test_low_precision_is_merged_in_float32():
    linear = torch.nn.Linear(8, 8, dtype=torch.bfloat16)
    adapted = AdaptedLinear(linear, rank=2, scale=0.3, dropout=0.0, generator=seeded())
    adapted.up.data.normal_(generator=seeded(1))
    exact = linear.weight.float() + 0.3 * adapted.up.float() @ adapted.down.float()
    assert torch.equal(adapted.merged().weight, exact.bfloat16())


def test_a_model_with_a_head_is_adapted_in_its_encoder():
    model = MaskedLM(make_encoder(), HeadConfig())
    names = add_adapters(model, generator=seeded())
    assert all(name.startswith("encoder.layers.") for name in names)
    assert not any(p.requires_grad for p in model.head.parameters())


def test_merging_a_plain_encoder_only_makes_it_trainable():
    encoder = make_encoder().requires_grad_(False)
    before = vectors(encoder)
    merge_adapters(encoder)
    assert torch.equal(vectors(encoder), before)
    assert all(parameter.requires_grad for parameter in encoder.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ("qurey",)}, "names 'qurey', but .* Did you mean 'query'"),
        ({"targets": ("gate",)}, "names 'gate', but the layers have contract, expand, key, out"),
        ({"targets": "query"}, "in a tuple; got 'query'"),
        ({"targets": ()}, "at least one of contract"),
        ({"rank": 17}, r"rank=17 is larger .* layers\.0\.\S+\.query, 16; .* at most 16"),
        ({"rank": 0}, "rank must be an integer of at least 1; got 0"),
        ({"alpha": 0.0}, "alpha must be above 0"),
        ({"dropout": 1.0}, "dropout must be below 1"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(options, message):
    encoder = make_encoder()
    with pytest.raises(ParameterError, match=message):
        add_adapters(encoder, generator=seeded(), **options)
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert type(next(m for m in encoder.modules() if isinstance(m, SelfAttention)).query) is (
        torch.nn.Linear
    )


def test_adapters_are_not_put_on_adapters():
    encoder = make_encoder()
    add_adapters(encoder, generator=seeded())
    with pytest.raises(ParameterError, match="query has an adapter already; call merge_adapters"):
        add_adapters(encoder, generator=seeded())


@pytest.mark.skipif(not can_prepack(torch.float32), reason="this processor has no packed maps")
def test_a_packed_encoder_is_refused():
    with pytest.raises(ParameterError, match="packed encoder cannot be trained"):
        add_adapters(prepack(make_encoder()), generator=seeded())


@pytest.mark.parity
def test_peft_computes_the_same():
    peft = pytest.importorskip("peft")
    encoder = make_encoder()
    names = add_adapters(encoder, rank=4, alpha=6.0, targets=ALL, generator=seeded())
    train(encoder)
    config = peft.LoraConfig(r=4, lora_alpha=6.0, target_modules=list(ALL))
    theirs = peft.inject_adapter_in_model(config, make_encoder()).eval()
    with torch.no_grad():
        for name in names:
            ours, layer = encoder.get_submodule(name), theirs.get_submodule(name)
            layer.lora_A["default"].weight.copy_(ours.down)
            layer.lora_B["default"].weight.copy_(ours.up)
    torch.testing.assert_close(vectors(theirs), vectors(encoder), atol=1e-6, rtol=1e-6)

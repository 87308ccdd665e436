"""The whole encoder: packed equals padded, alone equals in a batch, ours equals torch's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import Boundaries, Encoder, EncoderConfig

VARIANTS = [(p, n) for p in ("learned", "sinusoidal") for n in ("post", "pre")]


def make_encoder(positions="learned", norm_position="post", **changes):
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3}
    config = EncoderConfig(
        vocab_size=50,
        intermediate_size=40,
        max_position_embeddings=32,
        positions=positions,
        norm_position=norm_position,
        **(sizes | changes),
    )
    return Encoder(config).eval()


@pytest.mark.parametrize(("positions", "norm_position"), VARIANTS)
def test_padded_equals_packed(positions, norm_position):
    encoder = make_encoder(positions, norm_position)
    input_ids = torch.randint(0, 50, (3, 6))
    # Padding on the right, on the left, and none.
    mask = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1], [1] * 6])
    padded = encoder(input_ids, mask)
    packed = encoder.forward_packed(input_ids[mask.bool()], Boundaries.from_lengths([3, 4, 6]))
    assert torch.equal(padded[mask.bool()], packed)
    assert not padded[~mask.bool()].any()
    # What stands in the padding makes no difference.
    assert torch.equal(encoder(input_ids.masked_fill(mask == 0, 7), mask), padded)


@pytest.mark.parametrize(("positions", "norm_position"), VARIANTS)
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 32), min_size=1, max_size=8), seed=st.integers(0, 999))
def test_alone_equals_in_a_batch(positions, norm_position, lengths, seed):
    encoder = make_encoder(positions, norm_position)
    torch.manual_seed(seed)
    texts = [torch.randint(0, 50, (n,)) for n in lengths]
    together = encoder.forward_packed(torch.cat(texts), Boundaries.from_lengths(lengths))
    alone = torch.cat([encoder(text[None])[0] for text in texts])
    torch.testing.assert_close(together, alone, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("norm_position", ["post", "pre"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_layers_equal_torch(norm_position, activation):
    encoder = make_encoder(norm_position=norm_position, hidden_act=activation)
    layer = encoder.layers[0]
    theirs = nn.TransformerEncoderLayer(
        24, 3, 40, 0.0, activation, 1e-12, batch_first=True, norm_first=norm_position == "pre"
    )
    attention, feed_forward = layer.attention.sublayer, layer.feed_forward.sublayer
    projections = (attention.query, attention.key, attention.value)
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([p.weight for p in projections]),
            "self_attn.in_proj_bias": torch.cat([p.bias for p in projections]),
            **{f"self_attn.out_proj.{k}": v for k, v in attention.output.state_dict().items()},
            **{f"linear1.{k}": v for k, v in feed_forward.expand.state_dict().items()},
            **{f"linear2.{k}": v for k, v in feed_forward.contract.state_dict().items()},
            **{f"norm1.{k}": v for k, v in layer.attention.norm.state_dict().items()},
            **{f"norm2.{k}": v for k, v in layer.feed_forward.norm.state_dict().items()},
        }
    )
    hidden_states = torch.randn(2, 7, 24)
    found = layer(hidden_states.flatten(0, 1), Boundaries.from_lengths([7, 7]))
    torch.testing.assert_close(found.view(2, 7, 24), theirs(hidden_states), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_layer_chooses_the_hidden_state(norm_position):
    encoder = make_encoder(norm_position=norm_position)
    input_ids, boundaries = torch.randint(0, 50, (5,)), Boundaries.from_lengths([2, 3])
    states = [encoder.forward_packed(input_ids, boundaries, layer=i) for i in range(4)]
    assert torch.equal(states[0], encoder.embeddings(input_ids, boundaries))
    one_up = encoder.layers[1](states[1], boundaries)
    assert torch.equal(states[2], one_up)
    last = encoder.layers[2](states[2], boundaries)
    assert torch.equal(states[3], encoder.final_norm(last))
    assert torch.equal(states[3], encoder.forward_packed(input_ids, boundaries))
    assert torch.equal(states[0], encoder.forward_packed(input_ids, boundaries, layer=-4))


def test_type_ids_matter_and_default_to_zero():
    encoder = make_encoder()
    input_ids = torch.randint(0, 50, (1, 5))
    zeros = torch.zeros_like(input_ids)
    assert torch.allclose(encoder(input_ids), encoder(input_ids, token_type_ids=zeros))
    assert not torch.allclose(encoder(input_ids), encoder(input_ids, token_type_ids=zeros + 1))
    assert make_encoder(type_vocab_size=0).embeddings.token_type is None


def test_same_seed_same_weights():
    first, second = make_encoder().state_dict(), make_encoder().state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert first["embeddings.token.weight"].std().item() == pytest.approx(0.02, rel=0.1)


def test_every_parameter_learns():
    encoder = make_encoder()
    input_ids = torch.randint(0, 50, (4, 9))
    encoder(input_ids, token_type_ids=input_ids % 2).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("layer", [4, -5])
def test_no_such_layer(layer):
    with pytest.raises(ValueError, match=rf"between -4 and 3 for 3 layers; got {layer}"):
        make_encoder().forward_packed(torch.tensor([1]), Boundaries.from_lengths([1]), layer=layer)


def test_misfits_are_named():
    encoder = make_encoder()
    with pytest.raises(ValueError, match="33 tokens, but the encoder has positions for 32"):
        encoder(torch.zeros(1, 33, dtype=torch.long))
    with pytest.raises(ValueError, match=r"shape \(batch, sequence\); got \(3,\)"):
        encoder(torch.zeros(3, dtype=torch.long))
    with pytest.raises(ValueError, match=r"the shape of input_ids, \(1, 3\); got \(1, 2\)"):
        encoder(torch.zeros(1, 3, dtype=torch.long), torch.ones(1, 2))
    with pytest.raises(ValueError, match="at least one token"):
        encoder(torch.zeros(2, 3, dtype=torch.long), torch.tensor([[1, 1, 1], [0, 0, 0]]))

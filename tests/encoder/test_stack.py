"""The whole encoder: packed equals padded, alone equals in a batch, ours equals torch's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import (
    Alibi,
    Boundaries,
    Encoder,
    EncoderConfig,
    HeadConfig,
    MaskedLM,
    RelativeBias,
    Rotary,
    Scope,
    reference_attention,
)

VARIANTS = {
    "original": {"positions": "sinusoidal"},
    "bert": {},
    "pre-norm": {"norm_position": "pre", "hidden_act": "relu"},
    "roberta": {"pad_token_id": 1},
    "relative": {"attention_positions": RelativeBias(num_buckets=8, max_distance=12)},
    "alibi": {"positions": "none", "attention_positions": Alibi(), "type_vocab_size": 0},
    "rotary": {"positions": "none", "attention_positions": Rotary(theta=50.0, dim=4, scale=2.0)},
    "local": {
        "positions": "none",
        "attention_positions": Rotary(local_theta=20.0),
        "windows": (None, 3, 1),
        "norm_position": "pre",
        "embedding_norm": True,
        "gated": True,
        "unbiased": ("attention", "expand", "contract", "norm"),
    },
    "local-bias": {"attention_positions": Alibi(), "windows": (2, 2, None)},
    "grouped": {
        "num_key_value_heads": 1,
        "norm": "rms",
        "hidden_act": "silu",
        "gated": True,
        "unbiased": ("expand",),
    },
    "albert": {"embedding_size": 10, "num_hidden_groups": 1},
}


def make_encoder(**changes):
    torch.manual_seed(0)
    config = {
        "vocab_size": 50,
        "hidden_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "intermediate_size": 40,
        "max_position_embeddings": 32,
    }
    encoder = Encoder(EncoderConfig(**(config | changes))).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return encoder


@pytest.fixture(params=VARIANTS)
def encoder(request):
    return make_encoder(**VARIANTS[request.param])


def test_padded_equals_packed(encoder):
    input_ids = torch.randint(0, 50, (3, 6))
    # Padding on the right, on the left, and none.
    mask = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1], [1] * 6])
    padded = encoder(input_ids, mask)
    packed = encoder.forward_packed(input_ids[mask.bool()], Boundaries.from_lengths([3, 4, 6]))
    assert torch.equal(padded[mask.bool()], packed)
    assert not padded[~mask.bool()].any()
    # What stands in the padding makes no difference.
    assert torch.equal(encoder(input_ids.masked_fill(mask == 0, 7), mask), padded)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 32), min_size=1, max_size=8), seed=st.integers(0, 999))
def test_alone_equals_in_a_batch(variant, lengths, seed):
    encoder = make_encoder(**VARIANTS[variant])
    torch.manual_seed(seed)
    texts = [torch.randint(0, 50, (n,)) for n in lengths]
    together = encoder.forward_packed(torch.cat(texts), Boundaries.from_lengths(lengths))
    alone = torch.cat([encoder(text[None])[0] for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_fast_attention_equals_the_formula_in_every_stack(encoder):
    lengths = [32, 5, 5, 1]
    input_ids, boundaries = torch.randint(0, 50, (43,)), Boundaries.from_lengths(lengths)
    fast = encoder.forward_packed(input_ids, boundaries)
    for layer in encoder.layers:
        layer.attention.sublayer.attention = reference_attention
    plain = encoder.forward_packed(input_ids, boundaries)
    torch.testing.assert_close(fast, plain, atol=1e-5, rtol=1e-5)


def test_what_was_computed_on_the_way(encoder):
    input_ids = torch.randint(0, 50, (3, 6))
    mask = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1], [1] * 6])
    output = encoder(input_ids, mask, return_attention=True, return_layers=True)
    assert len(output.hidden_states) == 4
    packed, boundaries = input_ids[mask.bool()], Boundaries.from_lengths([3, 4, 6])
    for layer, state in enumerate(output.hidden_states):
        expected = encoder.forward_packed(packed, boundaries, layer=layer)
        assert torch.equal(state[mask.bool()], expected)
        assert not state[~mask.bool()].any()
    assert torch.equal(output.last_hidden_state, encoder(input_ids, mask))
    for weights in output.attentions:
        assert [tuple(text.shape) for text in weights] == [(3, 3, 3), (3, 4, 4), (3, 6, 6)]
        for text in weights:
            torch.testing.assert_close(text.sum(-1), torch.ones(3, text.shape[1]))
    # Asked for one, the other is not there.
    assert encoder(input_ids, mask, return_layers=True).attentions is None
    assert encoder(input_ids, mask, return_attention=True).hidden_states is None


def test_windows_show_in_the_attention():
    encoder = make_encoder(**VARIANTS["local"])
    output = encoder(torch.randint(0, 50, (1, 9)), return_attention=True)
    distance = (torch.arange(9)[:, None] - torch.arange(9)).abs()
    for weights, window in zip(output.attentions, (9, 3, 1), strict=True):
        assert ((weights[0] > 0) == (distance <= window)).all()


def test_shared_layers_are_one():
    encoder = make_encoder(num_hidden_layers=5, num_hidden_groups=2)
    assert len(encoder.layers) == 2
    places = [encoder.layers[i] for i in (0, 0, 0, 1, 1)]
    assert [encoder.layer(i) for i in range(5)] == places


def gradients(encoder, input_ids):
    encoder.zero_grad()
    torch.manual_seed(5)
    encoder(input_ids).square().mean().backward()
    return {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}


def test_gradient_checkpointing_changes_no_gradient(encoder):
    input_ids = torch.randint(0, 50, (4, 9))
    encoder.train()
    plain = gradients(encoder, input_ids)
    encoder.gradient_checkpointing = True
    calls = []
    encoder.layers[0].register_forward_pre_hook(lambda *_: calls.append(1))
    again = gradients(encoder, input_ids)
    # Once forward and once more on the way back.
    assert len(calls) == 2 * 3 // len(encoder.layers)
    assert plain.keys() == again.keys()
    # Dropout draws the same numbers both times.
    for name, gradient in plain.items():
        torch.testing.assert_close(again[name], gradient, msg=name)


@pytest.mark.parametrize("kind", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_dropout_acts_in_training_only(kind):
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    encoder = make_encoder(**(off | {kind: 0.5}))
    input_ids = torch.randint(0, 50, (2, 9))
    assert torch.equal(encoder(input_ids), encoder(input_ids))
    encoder.train()
    assert not torch.allclose(encoder(input_ids), encoder(input_ids))
    still = make_encoder(**off).train()
    assert torch.equal(still(input_ids), still(input_ids))


def test_head_is_tied_or_not():
    encoder = make_encoder(embedding_size=10)
    tied = MaskedLM(encoder, HeadConfig())
    assert tied.head.decoder.weight is encoder.embeddings.token.weight
    assert tied(torch.randint(0, 50, (2, 4))).shape == (2, 4, 50)
    untied = MaskedLM(encoder, HeadConfig(tied=False, decoder_bias=False, transform_bias=False))
    assert untied.head.decoder.weight is not encoder.embeddings.token.weight
    assert untied.head.decoder.bias is None
    assert untied.head.transform.bias is None
    plain = MaskedLM(make_encoder(), HeadConfig(activation=None))
    packed = plain.forward_packed(torch.randint(0, 50, (7,)), Boundaries.from_lengths([3, 4]))
    assert packed.shape == (7, 50)
    assert not list(plain.head.transform.parameters())


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
    found = layer(hidden_states.flatten(0, 1), Scope(Boundaries.from_lengths([7, 7])))
    expected = theirs.eval()(hidden_states)
    torch.testing.assert_close(found.view(2, 7, 24), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_layer_chooses_the_hidden_state(norm_position):
    encoder = make_encoder(norm_position=norm_position)
    input_ids, boundaries = torch.randint(0, 50, (5,)), Boundaries.from_lengths([2, 3])
    states = [encoder.forward_packed(input_ids, boundaries, layer=i) for i in range(4)]
    assert torch.equal(states[0], encoder.embeddings(input_ids, boundaries))
    one_up = encoder.layers[1](states[1], Scope(boundaries))
    assert torch.equal(states[2], one_up)
    last = encoder.layers[2](states[2], Scope(boundaries))
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


def fresh():
    torch.manual_seed(0)
    return Encoder(EncoderConfig(vocab_size=50, hidden_size=24, num_attention_heads=3))


def test_same_seed_same_weights():
    first, second = (fresh().state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert first["embeddings.token.weight"].std().item() == pytest.approx(0.02, rel=0.1)


def test_every_parameter_learns(encoder):
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

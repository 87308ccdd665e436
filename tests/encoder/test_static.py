"""The table behind the interface of an encoder."""

import pytest
import torch

from skencoder.encoder import NO_TOKEN, Boundaries, StaticEncoder, pool
from skencoder.tokenizer_files import NO_TOKEN as TOKENIZERS_NO_TOKEN

IDS = torch.tensor([3, 1, 4, 1, 5, NO_TOKEN, 2], dtype=torch.int32)
BOUNDARIES = Boundaries.from_lengths([3, 2, 1, 1])


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return StaticEncoder(torch.randn(6, 8))


def test_every_token_has_its_row_and_none_has_zeros(encoder):
    states = encoder.forward_packed(IDS, BOUNDARIES)
    torch.testing.assert_close(states[[0, 1, 3, 6]], encoder.table[[3, 1, 1, 2]])
    assert not states[5].any()
    assert NO_TOKEN == TOKENIZERS_NO_TOKEN


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("index", [torch.int32, torch.int64])
def test_the_short_way_to_the_mean_is_the_mean(encoder, dtype, index):
    encoder = encoder.to(dtype)
    states = encoder.forward_packed(IDS.to(index), BOUNDARIES)
    expected = pool(states, BOUNDARIES.cu_seqlens, ["mean"])
    found = encoder.mean_packed(IDS.to(index), BOUNDARIES.cu_seqlens)
    assert found.dtype == torch.float32
    tolerance = 1e-6 if dtype == torch.float32 else 1e-2
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


def test_both_ways_can_be_trained(encoder):
    means = encoder.mean_packed(IDS, BOUNDARIES.cu_seqlens)
    for computed in (encoder.forward_packed(IDS, BOUNDARIES), means):
        encoder.zero_grad()
        computed.sum().backward()
        touched = encoder.table.grad[:-1].abs().sum(1) > 0
        assert touched.tolist() == [False, True, True, True, True, True]


def test_the_zeros_stay_zeros(encoder):
    encoder.zero_grad()
    encoder.forward_packed(IDS, BOUNDARIES).sum().backward()
    assert encoder.table.grad[-1].tolist() == [0.0] * encoder.config.hidden_size


def test_there_is_one_hidden_state_and_no_attention(encoder):
    traced = encoder.trace_packed(IDS, BOUNDARIES)
    assert traced.attentions == ()
    assert len(traced.hidden_states) == encoder.config.num_hidden_layers + 1
    for layer in (0, -1):
        found = encoder.forward_packed(IDS, BOUNDARIES, layer=layer)
        torch.testing.assert_close(found, traced.last_hidden_state)
    with pytest.raises(ValueError, match="layer must lie between -1 and 0"):
        encoder.forward_packed(IDS, BOUNDARIES, layer=1)


@pytest.mark.parametrize("shape", [(3,), (0, 4), (2, 3, 4)])
def test_what_is_no_table_is_refused(shape):
    with pytest.raises(ValueError, match="must have shape .vocab_size, hidden."):
        StaticEncoder(torch.zeros(shape))

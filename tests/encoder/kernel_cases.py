"""The kernels against their twins, case by case, on any device; test_kernels.py runs them.

Run as a program under ``TRITON_INTERPRET=1`` it prints as JSON what each case says: that variable
must stand before Triton is loaded and stays for good, so the cases have a process of their own.
"""

import json
import sys
import traceback

import torch

from skencoder.encoder.kernels import kernels_for, plain
from skencoder.encoder.kernels.inputs import Lookup, Norm, Sight

TOLERANCE = {torch.float32: 4e-6, torch.float16: 5e-3, torch.bfloat16: 2e-2}


def starts(lengths, device):
    return torch.tensor([0, *lengths], device=device).cumsum(0).int()


def make_norm(width, dtype, device, biased=True):
    weight = torch.rand(width, device=device, dtype=dtype) + 0.5
    bias = torch.randn(width, device=device, dtype=dtype) if biased else None
    return Norm(weight, bias, 1e-5)


def agree(name, arguments, dtype):
    """Compare a kernel with its twin, in the same precision and in float32."""
    device = next(a for a in flat(arguments) if isinstance(a, torch.Tensor)).device.type
    kernels = kernels_for(device)
    assert kernels.compiled, f"no compiled kernels for {device}"
    found = getattr(kernels, name)(*arguments)
    twin = getattr(plain, name)
    close(found, twin(*arguments), dtype)
    close(found, twin(*(widened(a) for a in arguments)), dtype)
    return found


def close(found, expected, dtype, slack=1):
    near = TOLERANCE[dtype] * slack
    torch.testing.assert_close(found.double(), expected.double(), atol=near, rtol=near)


def flat(arguments):
    for argument in arguments:
        yield from argument if isinstance(argument, tuple) else (argument,)


def widened(argument):
    if isinstance(argument, torch.Tensor) and argument.is_floating_point():
        return argument.float()
    if isinstance(argument, tuple):
        return type(argument)(*(widened(part) for part in argument))
    return argument


def residual_norm(device, dtype, width, biased):
    hidden_states, added = (torch.randn(5, width, device=device, dtype=dtype) for _ in range(2))
    norm = make_norm(width, dtype, device, biased)
    found = agree("residual_norm", (3 + hidden_states, added, norm), dtype)
    assert found.dtype == dtype
    # A slice of a wider tensor is no different.
    wide = torch.randn(5, 2 * width, device=device, dtype=dtype)
    agree("residual_norm", (wide[:, :width], wide[:, width:], norm), dtype)


def embed_norm(device, dtype, width, ways):
    norm = make_norm(width, dtype, device)
    ids = torch.tensor([0, 6, 6, 2, 5], device=device)
    tables = [torch.randn(7, width, device=device, dtype=dtype) for _ in range(3)]
    lookups = {
        "absent": lambda table: None,
        "first": lambda table: Lookup(table, None),
        "looked_up": lambda table: Lookup(table, ids.flip(0).int()),
    }
    positions, types = (lookups[way](t) for way, t in zip(ways, tables[1:], strict=True))
    agree("embed_norm", (Lookup(tables[0], ids), positions, types, norm), dtype)


def mean_pool(device, dtype, width, skip, normalize):
    lengths = [1, 3, 70, 2]
    hidden_states = torch.randn(sum(lengths), width, device=device).to(dtype)
    arguments = (hidden_states, starts(lengths, device), skip, normalize)
    found = agree("mean_pool", arguments, dtype)
    assert found.dtype == torch.float32
    if normalize:
        torch.testing.assert_close(found.norm(dim=1), torch.ones(4, device=device))


def a_vector_of_zeros_stays(device):
    hidden_states = torch.zeros(3, 8, device=device)
    arguments = (hidden_states, starts([1, 2], device), 0, True)
    assert not agree("mean_pool", arguments, torch.float32).any()


def short_attention(device, dtype, lengths, heads, window, biased):
    head_dim = 24
    query, key, value = (
        torch.randn(sum(lengths), h, head_dim, device=device).to(dtype)
        for h in (heads[0], heads[1], heads[1])
    )
    longest = max(lengths)
    bias = torch.randn(heads[0], longest + 3, longest + 3, device=device) if biased else None
    sight = Sight(starts(lengths, device), longest, window, bias)
    found = agree("short_attention", (query, key, value, sight), dtype)
    assert found.dtype == dtype


def joint_projections_are_taken_as_they_are(device):
    joint = torch.randn(9, 3 * 2 * 16, device=device)
    query, key, value = (part.view(9, 2, 16) for part in joint.split(32, dim=1))
    sight = Sight(starts([4, 5], device), 5)
    agree("short_attention", (query, key, value, sight), torch.float32)


def long_texts_are_refused(device):
    vectors = torch.zeros(65, 1, 16, device=device)
    try:
        kernels_for(device).short_attention(
            vectors, vectors, vectors, Sight(starts([65], device), 65)
        )
    except ValueError as error:
        assert "at most 64 tokens" in str(error)
    else:
        raise AssertionError("65 tokens were taken")


def a_whole_encoder(device, dtype):
    """Fused with the kernels, an encoder gives what its plain parts give."""
    from skencoder.encoder import Boundaries, Encoder, EncoderConfig
    from skencoder.encoder.fused import fuse_for_gpu

    torch.manual_seed(0)
    config = EncoderConfig(
        vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    plain_encoder = Encoder(config).eval().requires_grad_(False)
    fused = Encoder(config).eval().requires_grad_(False)
    fused.load_state_dict(plain_encoder.state_dict())
    fused = fuse_for_gpu(fused.to(device, dtype))
    lengths = [5, 5, 3, 1]
    input_ids = torch.arange(14)
    with torch.no_grad():
        expected = plain_encoder.forward_packed(input_ids, Boundaries.from_lengths(lengths))
        found = fused.forward_packed(
            input_ids.to(device), Boundaries.from_lengths(lengths, device)
        )
    close(found.cpu(), expected, dtype, slack=5)


F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
CASES = {
    "residual norm": (residual_norm, (F32, 48, True)),
    "residual norm, odd width, no bias": (residual_norm, (F32, 33, False)),
    "residual norm, float16": (residual_norm, (F16, 48, True)),
    "residual norm, bfloat16": (residual_norm, (BF16, 48, True)),
    "embeddings": (embed_norm, (F32, 24, ("looked_up", "first"))),
    "embeddings, segments": (embed_norm, (F32, 24, ("looked_up", "looked_up"))),
    "embeddings alone": (embed_norm, (F32, 24, ("absent", "absent"))),
    "embeddings, bfloat16": (embed_norm, (BF16, 24, ("looked_up", "absent"))),
    "mean": (mean_pool, (F32, 48, 0, False)),
    "mean without a prompt": (mean_pool, (F32, 48, 2, False)),
    "mean, unit length, many rows": (mean_pool, (F32, 300, 0, True)),
    "mean, bfloat16": (mean_pool, (BF16, 48, 2, True)),
    "a vector of zeros": (a_vector_of_zeros_stays, ()),
    "attention": (short_attention, (F32, [1, 5, 16, 5], (2, 2), None, False)),
    "attention, grouped": (short_attention, (F32, [40, 3], (4, 2), None, False)),
    "attention, window": (short_attention, (F32, [64, 9, 2], (1, 1), 3, False)),
    "attention, bias": (short_attention, (F32, [17, 4], (2, 2), None, True)),
    "attention, bias and window": (short_attention, (F32, [17, 4], (2, 1), 2, True)),
    "attention, float16": (short_attention, (F16, [17, 4], (2, 1), None, True)),
    "attention, bfloat16": (short_attention, (BF16, [17, 4], (2, 1), None, False)),
    "attention, joint": (joint_projections_are_taken_as_they_are, ()),
    "attention, too long": (long_texts_are_refused, ()),
    "encoder": (a_whole_encoder, (F32,)),
    "encoder, float16": (a_whole_encoder, (F16,)),
    "encoder, bfloat16": (a_whole_encoder, (BF16,)),
}
# Triton's interpreter multiplies matrices of bfloat16 as if their bits were integers.
NOT_INTERPRETED = {"attention, bfloat16", "encoder, bfloat16"}


def run(name, device):
    """Run one case; its failure is an exception."""
    torch.manual_seed(0)
    case, arguments = CASES[name]
    case(device, *arguments)


def said(name, device):
    try:
        run(name, device)
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps({name: said(name, "cpu") for name in CASES if name not in NOT_INTERPRETED})
    )

"""The kernels against their twins: in Triton's interpreter, and on a GPU where there is one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from skencoder.encoder.kernels import PLAIN, kernels_for, triton_is_there
from tests.encoder.gpu import on_gpu
from tests.encoder.kernel_cases import CASES, NOT_INTERPRETED, run

REPOSITORY = Path(__file__).parents[2]
needs_triton = pytest.mark.skipif(not triton_is_there(), reason="triton is not installed")


@pytest.fixture(scope="module")
def interpreted():
    """What each case says in the interpreter, which has a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-m", "tests.encoder.kernel_cases"],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


@needs_triton
@pytest.mark.parametrize("name", sorted(set(CASES) - NOT_INTERPRETED))
def test_interpreted(interpreted, name):
    assert interpreted[name] == ""


@on_gpu
@needs_triton
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu(name):
    run(name, "cuda")


# NVIDIA's Ampere and Hopper; precision of the tensors, texts and heads of one tile.
COMPILED = [
    (80, "fp16", 64, 128),
    (80, "bf16", 16, 32),
    (90, "bf16", 64, 64),
    (90, "fp32", 16, 32),
]


@needs_triton
@pytest.mark.parametrize(("capability", "precision", "sequence", "width"), COMPILED)
@pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
def test_compiled_for_a_gpu_elsewhere(
    monkeypatch, tmp_path, capability, precision, sequence, width
):
    """What the interpreter lets pass the compiler may not."""
    from triton import compile as compile_kernel
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from skencoder.encoder.kernels import pooling, row_norms, short_attention

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    choices = {
        row_norms._residual_norm: {"biased": True, "block": 512},
        row_norms._embed_norm: {"positions_way": 2, "types_way": 1, "biased": True, "block": 512},
        pooling._mean_pool: {"normalize": True, "rows": 8, "block": 512},
        short_attention._short_attention: {"windowed": True, "biased": True}
        | {"sequence": sequence, "width": width},
    }
    indices = dict.fromkeys(["token_rows", "position_rows", "type_rows", "cu_seqlens"], "*i32")
    numbers = dict.fromkeys(["eps", "scale", "shortest"], "fp32")
    integers = ["width", "skip", "query_row", "key_row", "value_row", "bias_head", "bias_query"]
    integers += ["bias_key", "heads", "group", "head_dim", "window"]
    known = {"means": "*fp32"} | indices | numbers | dict.fromkeys(integers, "i32")
    for kernel, chosen in choices.items():
        types = {
            name: "constexpr" if name in chosen else known.get(name, f"*{precision}")
            for name in kernel.arg_names
        }
        source = ASTSource(fn=kernel, signature=types, constexprs=chosen)
        made = compile_kernel(source, target=GPUTarget("cuda", capability, 32))
        # An RTX 3090's multiprocessor has the least shared memory of what is in use.
        assert made.metadata.shared <= 99 * 1024
        assert made.asm["cubin"]


def test_a_cpu_computes_plainly(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert kernels_for("cpu") is PLAIN


def test_without_triton_a_gpu_computes_plainly():
    code = (
        "import sys; sys.modules['triton'] = None; "
        "from skencoder.encoder.kernels import PLAIN, kernels_for; "
        "print(kernels_for('cuda') is PLAIN)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert said.stdout.strip() == "True"


def test_the_mean_worked_by_hand():
    hidden_states = torch.tensor([[3.0, 0.0], [0.0, 4.0], [6.0, 8.0], [1.0, 1.0]])
    cu_seqlens = torch.tensor([0, 3, 4], dtype=torch.int32)
    assert PLAIN.mean_pool(hidden_states, cu_seqlens, 0, False).tolist() == [[3, 4], [1, 1]]
    # Two tokens left out; a text that has only one keeps it.
    assert PLAIN.mean_pool(hidden_states, cu_seqlens, 2, False).tolist() == [[6, 8], [1, 1]]
    unit = PLAIN.mean_pool(hidden_states, cu_seqlens, 2, True)
    torch.testing.assert_close(unit, torch.tensor([[0.6, 0.8], [0.5**0.5, 0.5**0.5]]))

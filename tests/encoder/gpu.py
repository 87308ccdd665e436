"""What a test on a GPU begins with."""

import pytest
import torch

needs_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]


def on_gpu(function):
    """Mark a test that needs a CUDA device."""
    for mark in needs_gpu:
        function = mark(function)
    return function

"""What is read of a model, and its operations, against the formula and a count by torch."""

import numpy as np
import pytest
import torch

from benchmarks.speed_model import count_operations, count_tokens, describe_model
from skencoder.checkpoints import load_checkpoint
from skencoder.errors import ParameterError


def test_facts_of_the_embedded_model():
    facts = describe_model("all-MiniLM-L6-v2")

    assert (facts.max_length, facts.pooling, facts.normalize) == (256, "mean", True)
    # Query, key and value share their input, so they are one multiplication.
    assert facts.linears[:4] == ((384, 1152), (384, 384), (384, 1536), (1536, 384))
    assert len(facts.linears) == 4 * 6
    assert facts.windows == (None,) * 6


def test_operations_by_hand(tiny_bert):
    # L = 2, h = 32, f = 64: 2 (8 * 1024 + 4 * 2048) = 32,768 for a token, and 4 * 32 * 2 = 256
    # for a token and each token it looks at: 3^2 + 5^2 = 34 such pairs.
    facts = describe_model(str(tiny_bert))
    assert count_operations(np.array([3, 5]), facts) == 8 * 32_768 + 34 * 256


def test_a_window_bounds_what_a_token_looks_at(tiny_bert):
    from dataclasses import replace

    facts = replace(describe_model(str(tiny_bert)), windows=(1, None))
    # One layer sees at most 3 tokens of 5, the other all 5: 15 + 25 pairs of 4 * 32 each.
    assert count_operations(np.array([5]), facts) == 5 * 32_768 + 40 * 128


def test_operations_agree_with_torch_s_own_count(tiny_bert):
    from torch.utils.flop_counter import FlopCounterMode

    encoder = load_checkpoint(tiny_bert).encoder
    facts = describe_model(str(tiny_bert))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder(torch.ones(1, 7, dtype=torch.long), torch.ones(1, 7, dtype=torch.long))

    linear = count_operations(np.array([7]), facts) - 4 * 32 * 2 * 49
    assert linear <= counter.get_total_flops() <= count_operations(np.array([7]), facts)


def test_tokens_are_counted_as_the_model_sees_them():
    facts = describe_model("all-MiniLM-L6-v2")
    # [CLS] a [SEP]; and a text that is cut.
    np.testing.assert_array_equal(count_tokens(["a", "word " * 1000], facts), [3, 256])


def test_a_model_without_a_tokenizer_file_is_refused(tiny_bert_copy):
    facts = describe_model(str(tiny_bert_copy))
    (tiny_bert_copy / "tokenizer.json").unlink()

    with pytest.raises(ParameterError, match=r"no .*tokenizer\.json"):
        facts.tokenizer()


def test_what_is_not_counted_has_no_operations(tiny_bert):
    from dataclasses import replace

    facts = replace(describe_model(str(tiny_bert)), linears=())
    assert count_operations(np.array([3]), facts) is None

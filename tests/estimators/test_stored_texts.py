"""Texts that are left out are gone, from memory and from pickles."""

import pickle

import numpy as np
import pytest

from skencoder.estimators.stored_texts import Texts, map_texts, write_texts


def held(texts):
    """All texts in memory."""
    return [text for part in texts._parts if isinstance(part, list) for text in part]


@pytest.mark.parametrize("in_file", [False, True])
def test_added_and_left_out_as_in_a_list(tmp_path, in_file):
    rng = np.random.default_rng(0)
    plain = [f"first {row}" for row in range(30)]
    if in_file:
        write_texts(tmp_path, plain)
    texts = Texts(map_texts(tmp_path, 30) if in_file else list(plain))
    for step in range(12):
        new = [f"{step} {row}" for row in range(int(rng.integers(0, 9)))]
        texts.add(new)
        plain += new
        rows = np.flatnonzero(rng.random(len(plain)) < 0.8)
        texts.keep(rows)
        plain = [plain[row] for row in rows]
        assert list(texts) == plain
        assert list(pickle.loads(pickle.dumps(texts))) == plain
        # A fifth of those in memory may wait to be forgotten.
        in_memory = len([text for text in plain if not (in_file and text.startswith("first"))])
        assert in_memory <= len(held(texts)) <= in_memory / 0.8
    assert texts[-1] == plain[-1]
    assert texts[1:3] == plain[1:3]


@pytest.mark.parametrize("in_file", [False, True])
def test_a_pickle_holds_no_text_that_was_left_out(tmp_path, in_file):
    plain = ["secret", *(f"text {row}" for row in range(50))]
    if in_file:
        write_texts(tmp_path, plain)
    texts = Texts(map_texts(tmp_path, 51) if in_file else plain)
    assert b"secret" in pickle.dumps(texts)
    texts.keep(np.arange(1, 51))
    assert b"secret" not in pickle.dumps(texts)
    assert list(texts) == plain[1:]


def test_all_may_be_left_out():
    texts = Texts(["a", "b"])
    texts.keep(np.empty(0, np.int64))
    assert list(pickle.loads(pickle.dumps(texts))) == list(texts) == []
    texts.add(["c"])
    assert list(texts) == ["c"]

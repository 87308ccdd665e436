"""The texts of the speed benchmark: real, different, and of the length they claim."""

import pytest

from benchmarks.speed_model import count_tokens, describe_model
from benchmarks.speed_texts import (
    LONG_WORDS,
    TEXT_SETS,
    choose_texts,
    many_short_texts,
    texts_of_length,
)
from skencoder.errors import ParameterError


@pytest.fixture(scope="module")
def facts():
    return describe_model("all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", list(TEXT_SETS))
def test_texts_are_different_and_the_same_every_time(name):
    texts = choose_texts(name, 50)

    assert len(set(texts)) == 50
    assert texts == choose_texts(name, 50)
    assert texts != choose_texts(name, 50, seed=1)


def test_lengths_are_what_the_names_say():
    assert {len(text.split()) for text in choose_texts("short", 50)} == {10}
    assert min(len(text.split()) for text in choose_texts("mixed", 50)) >= 25
    assert min(len(text.split()) for text in choose_texts("long", 50)) >= LONG_WORDS


def test_short_texts_have_about_sixteen_tokens_and_long_ones_reach_the_limit(facts):
    short, long = (count_tokens(choose_texts(name, 100), facts) for name in ("short", "long"))

    assert 12 <= sorted(short)[50] <= 20
    assert facts.max_length == 256
    assert long.max() == 256
    assert sorted(long)[25] > 200


@pytest.mark.parametrize("n_texts", [0, 10**6])
@pytest.mark.parametrize("draw", [lambda n: choose_texts("short", n), many_short_texts])
def test_more_texts_than_there_are_is_refused(draw, n_texts):
    with pytest.raises(ParameterError, match=f"texts={n_texts}"):
        draw(n_texts)


def test_there_are_a_hundred_thousand_different_short_texts():
    texts = many_short_texts(100_000)

    assert len(set(texts)) == 100_000
    assert {len(text.split()) for text in texts[:1000]} == {10}


@pytest.mark.parametrize("n_tokens", [8, 64, 256])
def test_texts_of_a_length_have_it(n_tokens, facts):
    texts = texts_of_length(n_tokens, 12, facts)

    tokenizer = facts.tokenizer()
    tokenizer.no_truncation()
    assert {len(tokenizer.encode(text).ids) for text in texts} == {n_tokens}
    assert len(set(texts)) == 12


def test_too_many_of_a_length_are_refused(facts):
    with pytest.raises(ParameterError, match="of 256 tokens"):
        texts_of_length(256, 10**6, facts)

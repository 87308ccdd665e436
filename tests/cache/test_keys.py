"""Keys: whatever a vector depends on changes its key, and nothing can be taken for another."""

from dataclasses import fields, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skencoder.cache import Space
from skencoder.cache.keys import row_keys
from tests.cache.scripts import SPACE

STRINGS = ("fingerprint", "pooling", "prompt", "overflow", "precision", "dtype")
INTEGERS = ("layer", "max_length", "revision")
# No lone surrogates: texts and prompts that hold one are refused before.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Few characters, some of which mean something to formats, so that examples come close.
narrow = st.text('ab",:{}\\ 0', max_size=4)
strings = st.one_of(narrow, texts)
integers = st.integers(-(2**40), 2**40)
spaces = st.builds(Space, **dict.fromkeys(STRINGS, strings) | dict.fromkeys(INTEGERS, integers))


def key(space, text):
    (only,) = row_keys(space, [text])
    return only


def test_every_field_is_known_here():
    assert {field.name for field in fields(Space)} == {*STRINGS, *INTEGERS}


@pytest.mark.parametrize("name", [*STRINGS, *INTEGERS])
@given(data=st.data(), space=spaces, text=texts)
def test_each_field_alone_changes_the_key(name, data, space, text):
    other = data.draw(strings if name in STRINGS else integers)
    assume(other != getattr(space, name))
    changed = replace(space, **{name: other})
    assert key(changed, text) != key(space, text)
    assert changed.digest != space.digest


@given(first=spaces, second=spaces, text=texts)
def test_spaces_that_differ_have_different_keys(first, second, text):
    assert (key(first, text) == key(second, text)) == (first == second)


@given(space=spaces, first=texts, second=texts)
def test_texts_that_differ_have_different_keys(space, first, second):
    assert (key(space, first) == key(space, second)) == (first == second)


@given(
    space=spaces,
    pair=st.permutations(STRINGS).map(lambda names: names[:2]),
    whole=st.text('ab"', min_size=1, max_size=6),
    data=st.data(),
)
def test_no_character_can_move_into_a_neighbouring_field(space, pair, whole, data):
    cuts = st.integers(0, len(whole))
    one, other = data.draw(cuts), data.draw(cuts)
    assume(one != other)
    first, second = pair
    assert key(replace(space, **{first: whole[:one], second: whole[one:]}), "") != key(
        replace(space, **{first: whole[:other], second: whole[other:]}), ""
    )


@given(prompt=texts, text=texts, cut=st.integers(0, 20))
def test_a_prompt_is_not_the_beginning_of_a_text(prompt, text, cut):
    whole = prompt + text
    assume(whole[:cut] != prompt)
    first = key(replace(SPACE, prompt=prompt), text)
    assert key(replace(SPACE, prompt=whole[:cut]), whole[cut:]) != first


@given(space=spaces, some=st.lists(texts, max_size=8))
def test_keys_do_not_depend_on_company_or_order(space, some):
    together = row_keys(space, some)
    assert together == [key(space, text) for text in some]
    assert row_keys(space, some[::-1]) == together[::-1]
    assert all(len(one) == 16 for one in together)


def test_a_key_is_the_same_in_every_process_and_release():
    # As the first release with a cache computed it: rows of a folder are found by it for years.
    assert key(replace(SPACE, revision=1), "a text").hex() == "61f22f9b519c2ba193378f27567407fe"

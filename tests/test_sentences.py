"""Sentences: where they are, for all that a text may hold; nothing lost, nothing twice."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.errors import ParameterError, TextInputError
from skencoder.sentences import Span, SplitTexts, holds_any, split_sentences, widen

from .conftest import HOSTILE_TEXTS


def sentences(text, language="en"):
    return [text[start:stop] for start, stop in split_sentences(text, language=language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith met Mr. Bean. They left.", ["Dr. Smith met Mr. Bean.", "They left."]),
        ("The U.S. economy grew. It is big.", ["The U.S. economy grew.", "It is big."]),
        ("It is small, e.g. a cat. Or not.", ["It is small, e.g. a cat.", "Or not."]),
        ("It costs 3.50 pounds. Cheap!", ["It costs 3.50 pounds.", "Cheap!"]),
        ("Call os.path.join() first. Done.", ["Call os.path.join() first.", "Done."]),
        ("“Why?” he asked. She left.", ["“Why?” he asked.", "She left."]),
        ("What?! Really... Yes.", ["What?!", "Really...", "Yes."]),
        ("* one\n* two\n* three", ["* one", "* two", "* three"]),
        ("A heading\n\nA text. Its end", ["A heading", "A text.", "Its end"]),
        ("a line\nthat goes on. Next", ["a line\nthat goes on.", "Next"]),
        ("no stop at all", ["no stop at all"]),
        ("  framed by spaces.  ", ["framed by spaces."]),
    ],
)
def test_english_is_split_where_a_reader_would(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Er kam am 3. Mai. Das ist z.B. gut.", ["Er kam am 3. Mai.", "Das ist z.B. gut."]),
        ("zh", "你好世界。你好吗？好！", ["你好世界。", "你好吗？", "好！"]),  # noqa: RUF001
        ("ar", "مرحبا بالعالم. كيف حالك؟ جيد.", ["مرحبا بالعالم.", "كيف حالك؟", "جيد."]),
        ("hi", "नमस्ते दुनिया। कैसे हो?", ["नमस्ते दुनिया।", "कैसे हो?"]),
        ("ru", "Привет мир. Как дела?", ["Привет мир.", "Как дела?"]),
        # A code without rules of its own is no reason to give up.
        ("xx", "One here. Two there.", ["One here.", "Two there."]),
    ],
)
def test_other_languages_have_their_own_stops_and_abbreviations(language, text, expected):
    assert sentences(text, language) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\n \t", "\u2028"])
def test_a_text_without_anything_has_no_sentence(text):
    assert split_sentences(text) == []


@pytest.mark.parametrize("unit", ["a", "word ", "x. ", "1.5 ", "Is it? ", "\u4f60", "\n"])
def test_a_hundred_thousand_characters_take_no_time(unit):
    text = unit * (100_000 // len(unit))
    start = time.perf_counter()
    found = split_sentences(text)
    assert time.perf_counter() - start < 2
    assert_exact(text, found)


def assert_exact(text, found):
    """Everything but white space is in a sentence, in order, once."""
    place = 0
    for start, stop in found:
        assert place <= start < stop
        assert not text[place:start].strip()
        assert text[start:stop] == text[start:stop].strip()
        place = stop
    assert not text[place:].strip()


def test_no_character_of_real_texts_is_lost(docs):
    for text in docs.data:
        assert_exact(text, split_sentences(text))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts_are_split_exactly(text):
    assert_exact(text, split_sentences(text))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_split_exactly(text):
    assert_exact(text, split_sentences(text))


def test_offsets_count_characters_and_not_bytes():
    text = "\N{GRINNING FACE} é here. Ünder there."
    assert split_sentences(text) == [Span(0, 9), Span(10, 22)]


def test_neighbours_widen_a_sentence_to_the_ends_of_the_text():
    spans = [Span(0, 2), Span(3, 5), Span(6, 8), Span(9, 11)]
    assert widen(spans, 0) == spans
    assert widen(spans, 1) == [Span(0, 5), Span(0, 8), Span(3, 11), Span(6, 11)]
    assert widen(spans, 9) == [Span(0, 11)] * 4
    assert widen([], 1) == []


def test_several_texts_keep_their_sentences_apart():
    split = SplitTexts.split(["One. Two. Three.", "", "Four. Five."])
    assert split.read() == ["One.", "Two.", "Three.", "Four.", "Five."]
    assert split.owners == [0, 0, 0, 2, 2]
    assert split.counts == [3, 0, 2]
    wide = split.widened(1)
    assert wide.read() == ["One. Two.", "One. Two. Three.", "Two. Three."] + ["Four. Five."] * 2


@pytest.mark.parametrize("language", ["", "english", "EN", None, 3, "e"])
def test_what_is_no_language_code_is_refused(language):
    with pytest.raises(ParameterError, match="language must be a code"):
        split_sentences("A text.", language=language)


@pytest.mark.parametrize("text", [None, 3, b"bytes", "half \ud800"])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TextInputError):
        split_sentences(text)


def test_a_string_stands_in_a_sentence_whatever_its_case_and_white_space():
    sentence = "The tower is\n  330 METRES tall."
    assert holds_any(sentence, ["feet", " is 330\tmetres"])
    assert not holds_any(sentence, ["330metres", "feet"])
    assert not holds_any(sentence, [])

"""Tokens and words of a sentence: where they stand, what they mean, which belong together."""

import unicodedata

import numpy as np
import pytest
import torch

from skencoder import TextEncoder, align_words
from skencoder.errors import (
    CheckpointError,
    OverlongTextError,
    ParameterError,
    TextInputError,
)
from skencoder.sentences import Span
from skencoder.token_vectors import encode_tokens

from .static_models import write_model2vec

# Paraphrases whose words are moved and replaced; all pairs that are right, sentence by sentence.
PARAPHRASES = [
    (
        "The doctor sold his old car yesterday.",
        "Yesterday the physician sold his old automobile.",
        "The-the doctor-physician sold-sold his-his old-old car-automobile "
        "yesterday-Yesterday .-.",
    ),
    (
        "A big dog chased the small cat.",
        "The little cat was pursued by a large dog.",
        "A-a big-large dog-dog chased-pursued the-The small-little cat-cat .-.",
    ),
    (
        "She purchased a costly house in London.",
        "In London, she bought an expensive home.",
        "She-she purchased-bought a-an costly-expensive house-home in-In London-London .-.",
    ),
    (
        "The film starts at eight tonight.",
        "Tonight the movie begins at eight.",
        "The-the film-movie starts-begins at-at eight-eight tonight-Tonight .-.",
    ),
    (
        "Many scientists doubt the new theory.",
        "The new theory is doubted by numerous researchers.",
        "Many-numerous scientists-researchers doubt-doubted the-The new-new theory-theory .-.",
    ),
]


def words(pairs):
    return {f"{pair.source_word}-{pair.target_word}" for pair in pairs}


def test_words_of_paraphrases_are_aligned(text_encoder):
    """Far better than word by word in order, which is right only where nothing moved."""
    hits = found = wanted = in_order = 0
    for source, target, right in PARAPHRASES:
        pairs = words(align_words(text_encoder, source, target))
        gold = set(right.split())
        hits, found, wanted = hits + len(pairs & gold), found + len(pairs), wanted + len(gold)
        plain = zip(source[:-1].split(), target[:-1].split(), strict=False)
        in_order += len({f"{one}-{other}" for one, other in plain} & gold)
    assert hits / found > 0.9
    assert hits / wanted > 0.9
    assert in_order / wanted < 0.3


@pytest.mark.parametrize("method", ["argmax", "itermax", "assignment"])
def test_a_sentence_is_aligned_with_itself(text_encoder, method):
    text = "Two old friends met near the river-side, didn't they?"
    pairs = align_words(text_encoder, text, text, method=method)
    assert {(pair.source, pair.target) for pair in pairs} >= {
        (pair.source, pair.source) for pair in pairs
    }
    assert [pair.source_word for pair in pairs if pair.source == pair.target] == [
        *"Two old friends met near the river-side , didn't they ?".split()
    ]
    assert all(pair.similarity == pytest.approx(1) for pair in pairs if pair.source == pair.target)


def test_places_are_in_the_sentences_themselves(text_encoder):
    source, target = "\N{GRINNING FACE} Élan vital!", "  vital   élan"
    for pair in align_words(text_encoder, source, target):
        assert source[slice(*pair.source)] == pair.source_word
        assert target[slice(*pair.target)] == pair.target_word


@pytest.mark.parametrize(
    "text",
    [
        "किताब मेज़ पर है ।",
        "படம் நன்றாக உள்ளது .",
        "كِتَابٌ جَدِيدٌ",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0628\u0631\u0648\u0645",
        "น้ำ ดื่ม",
        "Cafe\u0301 de\u0301ja\u0300-vu , c'e\u0301tait",
    ],
)
def test_a_mark_ends_no_word(text_encoder, text):
    pairs = align_words(text_encoder, text, text, method="assignment")
    assert [pair.source_word for pair in pairs] == text.split()


def test_words_are_the_same_in_both_normal_forms_of_unicode(text_encoder):
    composed = "L'été, Zoë a mangé des pâtés à Orléans."
    pairs = align_words(text_encoder, composed, unicodedata.normalize("NFD", composed))
    assert [pair.source_word for pair in pairs] == [
        *"L'été , Zoë a mangé des pâtés à Orléans .".split()
    ]
    for pair in pairs:
        assert unicodedata.normalize("NFC", pair.target_word) == pair.source_word


def test_words_may_be_given(text_encoder):
    pairs = align_words(text_encoder, ["New York", "is", "big"], ["big", "is", "New York"])
    assert words(pairs) == {"New York-New York", "is-is", "big-big"}
    assert pairs[0].source == Span(0, 8)


def test_swapping_the_sides_swaps_the_pairs(text_encoder):
    for source, target, _ in PARAPHRASES:
        there = align_words(text_encoder, source, target)
        back = align_words(text_encoder, target, source)
        assert {(p.source, p.target) for p in there} == {(p.target, p.source) for p in back}


def test_an_empty_sentence_has_no_pairs(text_encoder):
    assert align_words(text_encoder, "", "A word.") == []
    assert align_words(text_encoder, " ", "") == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"method": "best"}, ParameterError, "method must be one of argmax, itermax"),
        ({"layer": 7}, ParameterError, "layer"),
        ({"source": None}, TextInputError, "source: A sequence of at least one text"),
        ({"target": ["a", 3]}, TextInputError, "target: Row 1 is a int"),
        ({"target": ["a", ""]}, ParameterError, "target holds an empty word"),
        ({"source": "half \ud800"}, TextInputError, "half a character"),
        ({"source": "word " * 600}, OverlongTextError, "the model reads"),
    ],
)
def test_wrong_input_is_refused(text_encoder, change, error, message):
    given = {"source": "A text.", "target": "Another."} | change
    with pytest.raises(error, match=message):
        align_words(text_encoder, **given)


def test_tokens_stand_where_they_are_said_to(text_encoder):
    text = "Unbelievably GOOD weather, isn't it?"
    (tokens,) = encode_tokens(text_encoder, [text])
    pieces = [text[start:stop].lower() for start, stop in tokens.places]
    ids = text_encoder.tokenizer.tokenize([text]).input_ids
    named = [text_encoder.tokenizer._tokenizer.id_to_token(i).removeprefix("##") for i in ids]
    assert pieces == named
    assert tokens.vectors.shape == (len(ids), 384)


def test_token_vectors_are_the_encoder_s(text_encoder):
    """Against a padded pass through the encoder itself, special tokens in place."""
    texts = ["A short one.", "A somewhat longer text, for the padding."]
    found = encode_tokens(text_encoder, texts, layer=4)
    library = text_encoder.tokenizer._tokenizer
    framed = [library.encode(text).ids for text in texts]
    longest = max(map(len, framed))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in framed])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in framed])
    with torch.no_grad():
        output = text_encoder.encoder(ids, mask, return_layers=True)
    for row, tokens in enumerate(found):
        expected = output.hidden_states[4][row, 1 : len(framed[row]) - 1].numpy()
        np.testing.assert_allclose(tokens.vectors, expected, atol=1e-5)


def test_token_vectors_do_not_depend_on_the_batch(text_encoder, docs):
    texts = [text[:200] for text in docs.data[:40]]
    together = encode_tokens(text_encoder, texts)
    for text, tokens in zip(texts[::13], together[::13], strict=True):
        (alone,) = encode_tokens(text_encoder, [text])
        np.testing.assert_allclose(tokens.vectors, alone.vectors, atol=1e-5)


def test_a_model_without_places_is_refused(tmp_path):
    write_model2vec(tmp_path / "static")
    static = TextEncoder.load(tmp_path / "static", device="cpu")
    with pytest.raises(CheckpointError, match="does not say where"):
        align_words(static, "A text.", "Another.", layer=0)

"""A Transformer becomes a table: what is in it, which words it knows, and where it lies."""

import pickle

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from skencoder import EncoderVectorizer, EncodingOptions, TextEncoder, distill_static
from skencoder.checkpoints import load_checkpoint
from skencoder.distillation.vocabulary import make_vocabulary
from skencoder.distillation.weighting import principal_components, sif_weights
from skencoder.errors import CheckpointError, ParameterError, TextInputError
from tests.static_models import TOKENS, make_tokenizer, write_teacher

WORDS = ["the", "cat", "dog", "street", "!"]
CORPUS = [
    "I love New York and the new yorkers love me",
    "state of the art in machine learning",
    "deep learning of art history starts",
]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = write_teacher(tmp_path_factory.mktemp("teacher") / "teacher")
    return TextEncoder.load(folder, precision="float32", device="cpu")


@pytest.fixture(scope="module")
def plain(teacher):
    """Nothing but the vectors of the tokens."""
    return distill_static(teacher, ["New York"], n_components=None, sif_coefficient=None)


def raw(model, texts):
    return model.encode(texts, EncodingOptions(normalize=False)).vectors


def test_a_token_has_the_vector_that_the_model_gives_for_it_alone(teacher, plain):
    words = [*WORDS, "new york"]
    torch.testing.assert_close(raw(plain, words), raw(teacher, words), atol=1e-6, rtol=0)


def test_a_text_has_the_mean_of_its_tokens_at_unit_length(teacher, plain):
    tokens = raw(teacher, ["the", "cat", "new york", "wall"])
    found = plain.encode(["The cat: New  york, the new york wall"]).vectors[0]
    # Two spaces are no phrase.
    rows = torch.cat([tokens, raw(teacher, ["new", "york", "the"])])
    unknown = TOKENS.index("[UNK]")
    assert unknown not in plain.tokenizer.tokenize(["the : cat"]).input_ids
    torch.testing.assert_close(found, torch.nn.functional.normalize(rows.mean(0), dim=0))


def test_what_no_text_has_is_zero(plain):
    table = plain.encoder.table
    nothing = [TOKENS.index(t) for t in ("[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]")]
    assert (table.abs().sum(1) == 0).nonzero().flatten().tolist() == [*nothing, len(table) - 1]


@pytest.mark.parametrize("pooling", ["cls", "max", "mean+cls"])
def test_the_model_s_own_pooling_is_used(tmp_path, pooling):
    teacher = TextEncoder.load(
        write_teacher(tmp_path / "teacher", pooling=pooling, normalize=True, max_length=9),
        precision="float32",
        device="cpu",
    )
    static = distill_static(teacher, n_components=None, sif_coefficient=None)
    torch.testing.assert_close(raw(static, WORDS), raw(teacher, WORDS), atol=1e-6, rtol=0)
    assert static.settings.max_length is None


def test_all_components_keep_every_distance(teacher, plain):
    turned = distill_static(teacher, ["New York"], n_components=99, sif_coefficient=None)
    words = [*WORDS, "new york"]
    before, after = raw(plain, words), raw(turned, words)
    torch.testing.assert_close(torch.cdist(after, after), torch.cdist(before, before))
    tokens = turned.encoder.table[turned.encoder.table.abs().sum(1) > 0]
    torch.testing.assert_close(tokens.mean(0), torch.zeros(8), atol=1e-6, rtol=0)


def test_rare_tokens_count_more(teacher):
    alike, weighted = (
        distill_static(teacher, n_components=None, sif_coefficient=a) for a in (None, 1e-2)
    )
    factors = (raw(weighted, WORDS) / raw(alike, WORDS)).mean(1).numpy()
    used = [token for token in TOKENS if not token.startswith("[")]
    expected = sif_weights(len(used), 1e-2)[[used.index(word) for word in WORDS]]
    np.testing.assert_allclose(factors, expected, rtol=1e-5)


def test_weights_by_hand():
    # Ranks 2 and 3 of two tokens: 1/2 and 1/3 of 5/6 are 0.6 and 0.4.
    np.testing.assert_allclose(sif_weights(2, 0.1), [0.1 / 0.7, 0.1 / 0.5])
    assert (np.diff(sif_weights(1000, 1e-4)) > 0).all()
    assert sif_weights(3, None).tolist() == [1, 1, 1]


def test_components_are_ordered_and_the_first_ones_are_kept():
    vectors = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32) * range(1, 7)
    full = principal_components(vectors.astype(np.float32), 6)
    variances = full.var(0)
    assert (np.diff(variances) < 0).all()
    np.testing.assert_allclose(principal_components(vectors, 3), full[:, :3], atol=1e-4)
    covariance = np.cov(vectors.T, bias=True)
    np.testing.assert_allclose(variances, np.linalg.eigvalsh(covariance)[::-1], rtol=1e-4)
    assert principal_components(vectors[:4], 6).shape == (4, 4)


def byte_pairs():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return tokenizer, trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )


def sentence_pieces(**parts):
    tokenizer = Tokenizer(models.Unigram())
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer, trainers.UnigramTrainer(
        vocab_size=80,
        special_tokens=["<s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )


KINDS = {
    "byte pairs": byte_pairs,
    "sentence pieces": lambda: sentence_pieces(pre_tokenizer=pre_tokenizers.Metaspace()),
    "older sentence pieces": lambda: sentence_pieces(
        normalizer=normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        )
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_found_whole_whatever_the_tokenizer(kind):
    tokenizer, trainer = KINDS[kind]()
    tokenizer.train_from_iterator(CORPUS * 5, trainer)
    before = tokenizer.to_str()
    vocabulary = make_vocabulary(tokenizer, ["machine learning", "New York", " New York "])
    assert tokenizer.to_str() == before

    phrase, other = vocabulary.words["New York"], vocabulary.words["machine learning"]
    assert list(vocabulary.words) == ["machine learning", "New York"]
    assert vocabulary.size == max(phrase, other) + 1

    static = Tokenizer.from_str(vocabulary.tokenizer.to_str())

    def bare(text, tokenizer=tokenizer):
        return tokenizer.encode(text, add_special_tokens=False).ids

    for text, place in [("I love {} and me", 1), ("{} starts", 0), ("love {}", 1)]:
        parts = [bare(part.strip()) for part in text.split("{}")]
        if kind == "byte pairs":
            # There a word after another begins with its space.
            parts[1] = bare(text.split("{}")[1])
        expected = [*parts[0], phrase, *parts[1]]
        assert bare(text.format("New York"), static) == expected, (text, place)
    # In a longer word it is no word.
    for text in ("New Yorkers", "aNew York"):
        assert bare(text, static) == bare(text)


def test_words_of_one_token_and_of_one_spelling_get_no_other():
    tokenizer = make_tokenizer()
    words = ["Wall Street", "cat", "wall street", "CAT", "cats", "xylophone"]
    vocabulary = make_vocabulary(tokenizer, words)
    assert list(vocabulary.words) == ["Wall Street", "cats", "xylophone"]
    assert list(vocabulary.words.values()) == [17, 18, 19]
    static = vocabulary.tokenizer
    assert static.encode("the WALL street xylophone, cats").ids == [5, 17, 19, 2, 18]
    assert vocabulary.token_ids == list(range(5, 17))


def test_gaps_in_a_vocabulary_are_refused():
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 7}, unk_token="a"))
    with pytest.raises(CheckpointError, match="2 tokens have ids up to 7"):
        make_vocabulary(tokenizer, [])


def test_it_lies_where_it_was_asked_for_and_is_a_checkpoint(tmp_path, teacher):
    static = distill_static(teacher, ["wall street"], n_components=4, folder=tmp_path / "static")
    assert static.source.model == str(tmp_path / "static")
    assert load_checkpoint(tmp_path / "static").fingerprint == static.fingerprint
    vectors = EncoderVectorizer(tmp_path / "static", precision="float32").fit_transform(WORDS)
    np.testing.assert_allclose(vectors, static.encode(WORDS).vectors, atol=1e-6)
    with pytest.raises(CheckpointError, match="is not empty"):
        distill_static(teacher, folder=tmp_path / "static")


def test_without_a_folder_it_lives_as_long_as_the_process(tmp_path, teacher):
    static = distill_static(teacher)
    again = pickle.loads(pickle.dumps(static))
    assert torch.equal(again.encode(WORDS).vectors, static.encode(WORDS).vectors)
    saved = EncoderVectorizer(static, precision="float32").fit(WORDS).save(tmp_path / "kept")
    found = EncoderVectorizer.load(saved).fit_transform(WORDS)
    np.testing.assert_allclose(found, static.encode(WORDS).vectors, atol=1e-6)


def test_twice_it_is_the_same(teacher):
    assert distill_static(teacher, WORDS).fingerprint == distill_static(teacher, WORDS).fingerprint


def test_weights_that_were_changed_are_the_ones_distilled(teacher):
    changed = TextEncoder.load(teacher.source.model, precision="float32", device="cpu")
    with torch.no_grad():
        changed.encoder.embeddings.token.weight[TOKENS.index("cat")] *= -1
    static = distill_static(changed, n_components=None, sif_coefficient=None)
    torch.testing.assert_close(raw(static, ["cat"]), raw(changed, ["cat"]), atol=1e-6, rtol=0)
    assert not torch.allclose(raw(static, ["cat"]), raw(teacher, ["cat"]), atol=1e-2)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_components": 0}, ParameterError, "n_components must be a positive integer"),
        ({"n_components": 2.5}, ParameterError, "n_components must be a positive integer"),
        ({"n_components": True}, ParameterError, "n_components must be a positive integer"),
        ({"sif_coefficient": 0}, ParameterError, "between 0 and 1"),
        ({"sif_coefficient": "a"}, ParameterError, "between 0 and 1"),
        ({"vocabulary": "word"}, ParameterError, "got the one text 'word'"),
        ({"vocabulary": ["a", " "]}, ParameterError, "row 1 has nothing but spaces"),
        ({"vocabulary": ["a", 3]}, TextInputError, "1"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused(teacher, parameters, error, message):
    with pytest.raises(error, match=message):
        distill_static(teacher, **parameters)


def test_a_static_model_is_not_distilled_again(plain):
    with pytest.raises(CheckpointError, match="static model already"):
        distill_static(plain)

"""Small models of several families, written by sentence-transformers and by us, read by both."""

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from skencoder import EncoderVectorizer, TextEncoder
from skencoder.checkpoints import load_checkpoint, save_checkpoint
from skencoder.errors import ParameterError
from tests.conftest import HOSTILE_TEXTS

pytestmark = pytest.mark.parity

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"intermediate_size": 48, "max_position_embeddings": 140}


@pytest.fixture(scope="module")
def texts(docs):
    literal = "a literal <pad> and </s> and [PAD] in the middle"
    return [t for t in HOSTILE_TEXTS if len(t) < 1000] + [literal, *docs.data[::100]]


@pytest.fixture(scope="module")
def byte_pairs(docs):
    """A tokenizer as RoBERTa's, with its special tokens where RoBERTa has them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(docs.data[:300], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


@pytest.fixture(scope="module", params=["Bert", "Roberta", "ModernBert"])
def transformer_folder(request, tmp_path_factory, embedded_folder, byte_pairs):
    import transformers

    folder = tmp_path_factory.mktemp(request.param)
    special = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    if request.param == "Bert":
        fields = {"vocab_size": 30522}
        tokenizer = transformers.AutoTokenizer.from_pretrained(embedded_folder)
    else:
        fields = special | {"vocab_size": byte_pairs.get_vocab_size()}
        names = {"pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>", "bos_token": "<s>"}
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=byte_pairs, **names, eos_token="</s>", mask_token="<mask>"
        )
    if request.param == "ModernBert":
        fields |= {"local_attention": 16, "cls_token_id": 0, "sep_token_id": 2}
    config = getattr(transformers, f"{request.param}Config")(**SIZES, **fields)
    torch.manual_seed(0)
    model = getattr(transformers, f"{request.param}Model")(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def dense(into, out, activation, bias=True):
    torch.manual_seed(1)
    return Dense(into, out, bias=bias, activation_function=activation)


CASES = {
    "mean": lambda: [Pooling(32, "mean")],
    "all": lambda: [
        Pooling(32, ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"))
    ],
    "two, in another order": lambda: [Pooling(32, ("mean", "cls")), Normalize()],
    "dense": lambda: [
        Pooling(32, "cls"),
        dense(32, 20, torch.nn.Tanh()),
        dense(20, 9, torch.nn.Identity(), bias=False),
        Normalize(),
    ],
    "dense on two": lambda: [Pooling(32, ("cls", "mean")), dense(64, 7, torch.nn.GELU())],
    "without the prompt": lambda: [
        Pooling(32, ("mean", "max", "lasttoken"), include_prompt=False),
        Normalize(),
    ],
}


@pytest.fixture(scope="module", params=CASES)
def theirs(request, transformer_folder):
    steps = [Transformer(str(transformer_folder), max_seq_length=60), *CASES[request.param]()]
    return SentenceTransformer(
        modules=steps,
        device="cpu",
        prompts={"query": "search for this: ", "document": ""},
        default_prompt_name="query",
        similarity_fn_name="dot",
    )


@pytest.fixture(scope="module")
def folder(theirs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    theirs.save(str(folder))
    return folder


def ours(folder, **parameters):
    return EncoderVectorizer(
        folder, precision="float32", device="cpu", overflow="truncate", **parameters
    )


def assert_same_vectors(found, expected):
    assert found.shape == expected.shape
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=2e-5 * scale, rtol=0)


@pytest.mark.parametrize("prompt", [None, "query", "document", "of my own: "])
def test_vectors(theirs, folder, texts, prompt):
    named = prompt if prompt is None or prompt in theirs.prompts else None
    given = {"prompt_name": named} if named or prompt is None else {"prompt": prompt}
    expected = theirs.encode(texts, show_progress_bar=False, **given)
    assert_same_vectors(ours(folder, prompt=prompt).fit_transform(texts), expected)


def test_what_we_write_sentence_transformers_reads(theirs, folder, texts, tmp_path):
    checkpoint = load_checkpoint(folder)
    written = save_checkpoint(
        tmp_path / "ours",
        checkpoint.encoder,
        tokenizer_folder=checkpoint.folder,
        settings=checkpoint.settings,
        projection=checkpoint.projection,
        model_type=checkpoint.model_type,
    )
    again = SentenceTransformer(str(written), device="cpu")
    expected = theirs.encode(texts, show_progress_bar=False)
    assert_same_vectors(again.encode(texts, show_progress_bar=False), expected)
    assert_same_vectors(ours(written).fit_transform(texts), expected)
    assert load_checkpoint(written).settings == checkpoint.settings
    assert again.similarity_fn_name == "dot"
    assert (again.prompts, again.default_prompt_name) == (theirs.prompts, "query")


@pytest.mark.parametrize("name", [None, "cosine", "dot", "euclidean", "manhattan"])
def test_similarity(transformer_folder, texts, tmp_path, name):
    steps = [Transformer(str(transformer_folder), max_seq_length=60), Pooling(32, "mean")]
    theirs = SentenceTransformer(modules=steps, device="cpu", similarity_fn_name=name)
    theirs.save(str(tmp_path))
    vectors = theirs.encode(texts, convert_to_tensor=True, show_progress_bar=False)
    encoder = TextEncoder.load(tmp_path, precision="float32", device="cpu")
    found = encoder.similarity(vectors[:5], vectors)
    torch.testing.assert_close(found, theirs.similarity(vectors[:5], vectors))


def test_truncate_dim_of_the_checkpoint(transformer_folder, texts, tmp_path):
    steps = [Transformer(str(transformer_folder), max_seq_length=60), Pooling(32, "mean")]
    theirs = SentenceTransformer(modules=steps, device="cpu", truncate_dim=10)
    theirs.save(str(tmp_path))
    expected = theirs.encode(texts, show_progress_bar=False)
    assert_same_vectors(ours(tmp_path).fit_transform(texts), expected)
    assert ours(tmp_path, truncate_dim=32).fit_transform(texts).shape[1] == 32


def test_a_pooling_that_the_dense_module_does_not_take(transformer_folder, tmp_path):
    steps = [Transformer(str(transformer_folder)), *CASES["dense"]()]
    SentenceTransformer(modules=steps, device="cpu").save(str(tmp_path))
    with pytest.raises(ParameterError, match="gives 64 dimensions, but the model's Dense .* 32"):
        ours(tmp_path, pooling="cls+mean").fit(["a"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation_function": "builtins.eval"}, "activation_function='builtins.eval'"),
        ({"use_residual": True}, "use_residual=True"),
        ({"module_input_name": "token_embeddings"}, "module_input_name"),
        ({"in_features": 33}, "does not fit its config.json"),
        ({"in_features": ...}, "must have a positive integer in_features; got None"),
    ],
)
def test_dense_modules_that_are_not_computed(transformer_folder, tmp_path, change, message):
    steps = [Transformer(str(transformer_folder)), *CASES["dense"]()]
    SentenceTransformer(modules=steps, device="cpu").save(str(tmp_path))
    path = tmp_path / "2_Dense" / "config.json"
    fields = json.loads(path.read_text()) | change
    path.write_text(json.dumps({k: v for k, v in fields.items() if v is not ...}))
    with pytest.raises(ValueError, match=message) as caught:
        load_checkpoint(tmp_path)
    assert "2_Dense" in str(caught.value)

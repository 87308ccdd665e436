"""Architectures that only transformers has: same interface, same tests, no foreign code."""

import json
import pickle
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from skencoder import EncoderVectorizer, EncodingOptions, TextEncoder
from skencoder.checkpoints import TransformersEncoder, load_checkpoint, save_checkpoint
from skencoder.encoder import Boundaries
from skencoder.errors import CheckpointError
from skencoder.tokenizer_files import PythonTokenizer, open_tokenizer
from tests.checkpoints.test_checkpoint import edit_json, edit_weights
from tests.conftest import HOSTILE_TEXTS

pytestmark = pytest.mark.parity

SIZES = {"vocab_size": 30522, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
CASES = {
    # Fourier mixing, no attention at all; a Llama-like decoder; an encoder with a decoder.
    "fnet": lambda t: t.FNetConfig(**{**SIZES, "intermediate_size": 48}),
    "qwen3": lambda t: t.Qwen3Config(
        **SIZES,
        intermediate_size=48,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=99,
    ),
    "t5": lambda t: t.T5Config(
        vocab_size=30522, d_model=32, num_layers=2, num_heads=4, d_kv=8, d_ff=48
    ),
    "deberta-v2": lambda t: t.DebertaV2Config(
        **SIZES, intermediate_size=48, relative_attention=True, pos_att_type=["p2c", "c2p"]
    ),
}


@pytest.fixture(scope="module", params=CASES)
def model(request):
    import transformers

    torch.manual_seed(0)
    return transformers.AutoModel.from_config(CASES[request.param](transformers)).eval()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory, embedded_folder):
    folder = tmp_path_factory.mktemp("fallback")
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((embedded_folder / "tokenizer.json").read_bytes())
    return folder


@pytest.fixture(scope="module")
def encoder(folder):
    return TextEncoder.load(folder, precision="float32", device="cpu")


def test_hidden_states(model, folder):
    encoder = load_checkpoint(folder).encoder
    assert isinstance(encoder, TransformersEncoder)
    inner = model.get_encoder() if model.config.is_encoder_decoder else model
    texts = [torch.randint(5, 30000, (n,)) for n in (7, 4, 4, 1)]
    boundaries = Boundaries.from_lengths([7, 4, 4, 1])
    for layer in (-1, 0, 1, 2):
        found = encoder.forward_packed(torch.cat(texts), boundaries, layer=layer)
        states = [inner(input_ids=t[None], output_hidden_states=True) for t in texts]
        expected = torch.cat(
            [
                s.last_hidden_state[0] if layer in (-1, 2) else s.hidden_states[layer][0]
                for s in states
            ]
        )
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_vectors_of_texts(encoder):
    texts = [*HOSTILE_TEXTS, "a text", "another text of more words"]
    options = EncodingOptions(max_length=64, overflow="truncate")
    together = encoder.encode(texts, options).vectors
    assert together.shape == (len(texts), 32)
    assert together.isfinite().all()
    alone = torch.cat([encoder.encode([text], options).vectors for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    backwards = encoder.encode(texts[::-1], options).vectors.flip(0)
    torch.testing.assert_close(together, backwards, atol=1e-5, rtol=1e-5)


def test_in_a_pipeline_and_in_a_pickle(encoder, docs):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, target = docs.data[::50], docs.target[::50]
    vectorizer = EncoderVectorizer(encoder, overflow="truncate", max_length=32)
    pipeline = make_pipeline(vectorizer, LogisticRegression()).fit(texts, target)
    again = pickle.loads(pickle.dumps(pipeline))
    assert (again.predict(texts) == pipeline.predict(texts)).all()


def test_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CheckpointError, match=r"pip install 'skencoder\[transformers\]'"):
        load_checkpoint(folder)


def test_missing_weights_would_be_random(folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    inner = next(n for n in load_file(copy / "model.safetensors") if ".1." in n and "dec" not in n)
    edit_weights(copy, lambda tensors: tensors.pop(inner))
    with pytest.raises(CheckpointError, match=r"lack .*\.1\..*they would be random"):
        load_checkpoint(copy)


def test_damaged_weights_are_named(folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(
            path.read_bytes()[: 10_000 if "model." in path.name else None]
        )
    with pytest.raises(CheckpointError, match="cannot be loaded by transformers"):
        load_checkpoint(copy)


@pytest.fixture
def byte_folder(tmp_path):
    """A checkpoint whose tokenizer is written in Python: bytes, no vocabulary file at all."""
    import transformers

    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=384, d_model=32, num_layers=2, num_heads=4, d_kv=8, d_ff=48
    )
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    transformers.ByT5Tokenizer().save_pretrained(tmp_path)
    return tmp_path


def test_a_tokenizer_written_in_python(byte_folder):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(byte_folder)
    model = transformers.AutoModel.from_pretrained(byte_folder).eval().get_encoder()
    encoder = TextEncoder.load(byte_folder, precision="float32", device="cpu")
    assert isinstance(encoder.tokenizer._tokenizer, PythonTokenizer)
    assert (encoder.tokenizer.prefix, encoder.tokenizer.suffix) == ([], [1])
    texts = [*(t for t in HOSTILE_TEXTS if len(t) < 100), "a text"]
    found = encoder.encode(texts, EncodingOptions(overflow="truncate", max_length=40)).vectors
    for text, vector in zip(texts, found, strict=True):
        ids = tokenizer(text, truncation=True, max_length=40, return_tensors="pt").input_ids
        expected = model(input_ids=ids).last_hidden_state[0].mean(0)
        torch.testing.assert_close(vector, expected, atol=1e-5, rtol=1e-5)


def test_a_tokenizer_written_in_python_needs_the_extra(byte_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CheckpointError, match=r"ByT5Tokenizer.*skencoder\[transformers\]"):
        open_tokenizer(byte_folder)


def test_a_tokenizer_that_transformers_has_not(byte_folder):
    (byte_folder / "tokenizer_config.json").write_text('{"tokenizer_class": "NoSuchTokenizer"}')
    with pytest.raises(CheckpointError, match=r"tokenizer_class='NoSuchTokenizer'\) cannot be"):
        open_tokenizer(byte_folder)


CODE = """
import pathlib
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

pathlib.Path({fuse!r}).write_text("run")

class OwnConfig(PretrainedConfig):
    model_type = "own"
    hidden_size, num_hidden_layers, vocab_size, max_position_embeddings = 8, 1, 30522, 64

class OwnModel(PreTrainedModel):
    config_class = OwnConfig
    def __init__(self, config):
        super().__init__(config)
        self.table = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()
    def forward(self, input_ids, attention_mask=None, output_hidden_states=False):
        return BaseModelOutput(last_hidden_state=self.table(input_ids))
"""


@pytest.fixture
def own_folder(tmp_path, monkeypatch, embedded_folder):
    """A checkpoint that brings its own code, which leaves a trace when it is run."""
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder, fuse = tmp_path / "own", tmp_path / "fuse"
    folder.mkdir()
    (folder / "own.py").write_text(CODE.format(fuse=str(fuse)))
    auto_map = {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}
    (folder / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": auto_map}))
    torch.manual_seed(0)
    save_file(
        {"table.weight": torch.randn(30522, 8)}, folder / "model.safetensors", {"format": "pt"}
    )
    (folder / "tokenizer.json").write_bytes((embedded_folder / "tokenizer.json").read_bytes())
    return folder, fuse


def test_a_checkpoint_s_own_code_is_not_run(own_folder):
    folder, fuse = own_folder
    for load in (
        load_checkpoint,
        TextEncoder.load,
        lambda f: EncoderVectorizer(str(f)).fit(["a"]),
    ):
        with pytest.raises(
            CheckpointError, match=r"only if you trust it: .*trust_remote_code=True"
        ):
            load(folder)
    assert not fuse.exists()


def test_a_checkpoint_s_own_code_is_run_if_trusted(own_folder):
    folder, fuse = own_folder
    encoder = TextEncoder.load(folder, trust_remote_code=True, precision="float32", device="cpu")
    assert fuse.exists()
    assert encoder.encode(["a text"]).vectors.shape == (1, 8)
    # A pickle remembers that it was trusted.
    again = pickle.loads(pickle.dumps(encoder))
    assert torch.equal(again.encode(["a"]).vectors, encoder.encode(["a"]).vectors)


def test_a_variant_that_the_core_refuses_is_run_if_trusted(tiny_bert_copy, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    fuse = tmp_path / "fuse"
    (tiny_bert_copy / "own.py").write_text(CODE.format(fuse=str(fuse)))
    edit_json(
        tiny_bert_copy / "config.json",
        position_embedding_type="alibi",
        auto_map={"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"},
    )
    save_file({"table.weight": torch.ones(30522, 32)}, tiny_bert_copy / "model.safetensors")
    with pytest.raises(CheckpointError, match="only 'absolute' .*only if you trust it"):
        load_checkpoint(tiny_bert_copy)
    assert not fuse.exists()
    encoder = load_checkpoint(tiny_bert_copy, trust_remote_code=True).encoder
    assert isinstance(encoder, TransformersEncoder)
    assert fuse.exists()


def llama(tmp_path, embedded_folder, **changes):
    import transformers

    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SIZES, intermediate_size=48, max_position_embeddings=2048)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((embedded_folder / "tokenizer.json").read_bytes())
    edit_json(tmp_path / "config.json", **changes)
    return tmp_path


def test_angles_stay_exact_in_half_precision(tmp_path, embedded_folder):
    folder = llama(tmp_path, embedded_folder)
    text = ["word " * 1500]
    options = EncodingOptions(pooling="last")
    exact, half = (
        TextEncoder.load(folder, precision=p, device="cpu").encode(text, options).vectors
        for p in ("float32", "bfloat16")
    )
    assert torch.nn.functional.cosine_similarity(exact, half).item() > 0.999


@pytest.mark.parametrize("changes", [{"return_dict": False}, {"use_cache": True}])
def test_what_a_configuration_says_of_outputs(tmp_path, embedded_folder, changes):
    encoder = TextEncoder.load(llama(tmp_path, embedded_folder, **changes))
    assert encoder.encode(["a"]).vectors.shape == (1, 32)


def test_weights_that_are_not_finite(tmp_path, embedded_folder):
    folder = llama(tmp_path, embedded_folder)
    edit_weights(folder, lambda t: next(iter(t.values())).fill_(torch.nan))
    with pytest.raises(CheckpointError, match="hold NaN or infinity in"):
        load_checkpoint(folder)


def test_a_model_that_encodes_no_texts(tmp_path):
    import transformers

    config = transformers.CLIPConfig(
        text_config={"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
        vision_config={"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
    )
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="model that does not encode texts alone"):
        load_checkpoint(tmp_path)


def test_limits_of_other_kinds(tmp_path):
    import transformers

    sizes = {**SIZES, "intermediate_size": 48, "max_position_embeddings": 66}
    counted = transformers.Data2VecTextConfig(**sizes)
    transformers.AutoModel.from_config(counted).save_pretrained(tmp_path / "counted")
    # Rows 0 and 1 are padding's and nobody's.
    assert load_checkpoint(tmp_path / "counted").encoder.config.max_position_embeddings == 64
    unsaid = transformers.XLNetConfig(vocab_size=100, d_model=32, n_layer=1, n_head=4, d_inner=48)
    transformers.AutoModel.from_config(unsaid).save_pretrained(tmp_path / "unsaid")
    assert load_checkpoint(tmp_path / "unsaid").encoder.config.max_position_embeddings == 512


def test_no_such_layer(folder):
    encoder = load_checkpoint(folder).encoder
    with pytest.raises(ValueError, match="layer must lie between -3 and 2 for 2 layers; got 9"):
        encoder.forward_packed(torch.tensor([1]), Boundaries.from_lengths([1]), layer=9)


def test_it_cannot_be_written_as_a_checkpoint_of_ours(folder, tmp_path):
    with pytest.raises(CheckpointError, match="Only an Encoder or a MaskedLM can be written"):
        save_checkpoint(tmp_path / "w", load_checkpoint(folder).encoder, tokenizer_folder=folder)


def test_known_architectures_never_run_the_folder_s_code(tiny_bert_copy, tmp_path):
    fuse = tmp_path / "fuse"
    (tiny_bert_copy / "own.py").write_text(CODE.format(fuse=str(fuse)))
    edit_json(tiny_bert_copy / "config.json", auto_map={"AutoModel": "own.OwnModel"})
    TextEncoder.load(tiny_bert_copy)
    assert not fuse.exists()

"""Sinusoidal positions in files: computed where the stored table is sines, read where not."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from skencoder.checkpoints import load_checkpoint, load_masked_lm, save_checkpoint
from skencoder.encoder import Encoder, EncoderConfig, HeadConfig, MaskedLM

pytestmark = pytest.mark.parity
TABLE = "distilbert.embeddings.position_embeddings.weight"
WIDTH = 36


@pytest.fixture(scope="module")
def theirs():
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    config = {"dim": WIDTH, "n_layers": 1, "n_heads": 4, "hidden_dim": 40, "vocab_size": 90}
    torch.manual_seed(0)
    return DistilBertForMaskedLM(DistilBertConfig(**config, sinusoidal_pos_embds=True)).eval()


@pytest.fixture
def folder(theirs, tiny_bert, tmp_path):
    theirs.save_pretrained(tmp_path / "theirs")
    tokenizer = (tiny_bert / "tokenizer.json").read_bytes()
    (tmp_path / "theirs" / "tokenizer.json").write_bytes(tokenizer)
    return tmp_path / "theirs"


def test_sines_are_computed(theirs, folder):
    ours = load_masked_lm(folder)
    assert ours.encoder.config.positions == "sinusoidal"
    assert load_checkpoint(folder).encoder.config.positions == "sinusoidal"
    input_ids = torch.arange(5, 85)[None].repeat(1, 6)
    expected = theirs(input_ids).logits
    assert (ours(input_ids) - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_a_table_that_was_trained_is_read(theirs, folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors[TABLE][3, 5] += 0.01
    save_file(tensors, path, metadata={"format": "pt"})
    ours = load_masked_lm(folder)
    assert ours.encoder.config.positions == "learned"
    assert torch.equal(ours.encoder.embeddings.positions.table.weight, tensors[TABLE])
    assert load_checkpoint(folder).encoder.config.positions == "learned"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("with_head", [True, False])
def test_written_and_read_in_every_precision(tiny_bert, tmp_path, dtype, with_head):
    sizes = {"hidden_size": WIDTH, "num_attention_heads": 4, "num_hidden_layers": 1}
    config = EncoderConfig(vocab_size=99, **sizes, positions="sinusoidal", type_vocab_size=0)
    encoder = Encoder(config).to(dtype)
    model = MaskedLM(encoder, HeadConfig()).to(dtype) if with_head else encoder
    folder = save_checkpoint(tmp_path / "new", model, tokenizer_folder=tiny_bert)
    name = TABLE if with_head else TABLE.removeprefix("distilbert.")
    stored = load_file(folder / "model.safetensors")[name]
    assert stored.dtype == dtype
    assert torch.equal(stored, encoder.embeddings.positions.table)
    assert load_checkpoint(folder).encoder.config == config

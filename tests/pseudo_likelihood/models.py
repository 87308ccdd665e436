"""Small masked language models with tokenizers of their own, and plain ways to score with them."""

import math

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from skencoder.checkpoints import save_checkpoint
from skencoder.encoder import Encoder, EncoderConfig, HeadConfig, MaskedLM
from tests.checkpoints.families import make_model

PIECES = [
    *("i", "am", "sam", ".", ",", "!", "?", "'", "the", "cat", "sat", "on", "mat", "hello"),
    *("world", "un", "##believ", "##able", "token", "##ization", "##s", "read", "##er", "a"),
    *("do", "##n", "t", "we", "##ll", "long", "##ing", "dog", "##gy"),
]
TEXTS = [
    "Hello world!",
    "I am Sam.",
    "The unbelievable tokenizations sat on a doggy mat, longing.",
    "",
    "readers",
    "I am Sam.",
    "xyzzy we don't read [SEP] the [MASK] cat",
]


def make_tokenizer(pad_id=0, mask_id=4):
    """Word pieces with every special token; padding and mask where the model has them."""
    special = ["[UNK]", "[CLS]", "[SEP]"]
    special.insert(pad_id, "[PAD]")
    special.insert(mask_id, "[MASK]")
    vocabulary = {token: id_ for id_, token in enumerate([*special, *PIECES])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(special)
    cls, sep = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    return tokenizer


def write_family(case, folder):
    """Write a random model of a family by transformers, with a tokenizer; give the model."""
    model = make_model(case)
    model.save_pretrained(folder)
    ids = model.config.pad_token_id or 0, getattr(model.config, "mask_token_id", 4)
    make_tokenizer(*ids).save(str(folder / "tokenizer.json"))
    return model


def write_known(folder, probabilities, vocabulary=PIECES):
    """Write a model that gives each token the same probability wherever it stands.

    All its weights are 0, and the decoder's bias holds the logarithms.
    """
    tokenizer = make_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    config = EncoderConfig(
        vocab_size=size,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=32,
    )
    model = MaskedLM(Encoder(config), HeadConfig())
    rest = (1 - sum(probabilities.values())) / (size - len(probabilities))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.head.decoder.bias.fill_(math.log(rest))
        for token, probability in probabilities.items():
            model.head.decoder.bias[tokenizer.token_to_id(token)] = math.log(probability)
    return save_checkpoint(folder / "model", model, tokenizer_folder=folder)


def write_overflowing(folder, token, largest=3e38):
    """Write a model whose weights are finite; what is computed of one token's vector is not."""
    tokenizer = make_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = EncoderConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=32,
    )
    torch.manual_seed(0)
    model = MaskedLM(Encoder(config), HeadConfig())
    with torch.no_grad():
        row = model.encoder.embeddings.token.weight[tokenizer.token_to_id(token)]
        row.copy_(largest * torch.tensor([1.0, -1.0] * 4))
    return save_checkpoint(folder / "overflowing", model, tokenizer_folder=folder)


def score_plainly(model, tokenizer, text, method="pll"):
    """One copy at a time, by transformers: a log-probability per token, None if not scored.

    Written apart from the package: it loops over tokens and words as the definitions do.
    """
    encoding = tokenizer.encode(text, add_special_tokens=True)
    ids, words = encoding.ids, encoding.word_ids
    mask = tokenizer.token_to_id("[MASK]")
    special = {tokenizer.token_to_id(t) for t in ("[PAD]", "[CLS]", "[SEP]", "[MASK]")}
    scores = []
    for place in range(1, len(ids) - 1):
        if ids[place] in special:
            scores.append(None)
            continue
        same = [p for p in range(len(ids)) if words[p] == words[place] and words[p] is not None]
        hidden = {
            "pll": [place],
            "pll-word-l2r": [p for p in same if p >= place],
            "whole-word": same,
        }[method]
        shown = torch.tensor([[mask if p in hidden else id_ for p, id_ in enumerate(ids)]])
        with torch.no_grad():
            logits = model(input_ids=shown, attention_mask=torch.ones_like(shown)).logits
        scores.append(logits[0, place].log_softmax(-1)[ids[place]].item())
    return scores

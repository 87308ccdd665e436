"""Vocabulary files become a tokenizer: word pieces, byte pairs and sentence pieces.

What the JSON files beside them say stands in `options` and `special_tokens`; how a SentencePiece
model is parsed in `sentencepieces`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, WordPiece

from skencoder.errors import CheckpointError
from skencoder.files import describe_folder
from skencoder.tokenizer_files.options import TokenizerOptions, read_options
from skencoder.tokenizer_files.sentencepieces import (
    read_sentencepieces,
    reorder_as_fairseq,
    unigram_tokenizer,
)
from skencoder.tokenizer_files.special_tokens import SpecialTokens, special_tokens

# The pieces a model begins with, and what fairseq put in their place.
FAIRSEQ_ORDER = {
    "xlm-roberta": (("<unk>", "<s>", "</s>"), ("<s>", "<pad>", "</s>", "<unk>")),
    "camembert": (
        ("<unk>",),
        ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"),
    ),
}
# Between two texts these put their separator twice, and number both texts alike.
ROBERTA_LIKE = ("mpnet", "roberta", *FAIRSEQ_ORDER)


def read_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer of a checkpoint folder.

    Parameters
    ----------
    folder : Path
        It holds ``tokenizer.json``, or the older files: ``vocab.txt``, ``vocab.json`` with
        ``merges.txt``, or a SentencePiece model.

    Returns
    -------
    tokenizers.Tokenizer
        It puts the checkpoint's special tokens around a text.

    Raises
    ------
    CheckpointError
        If there is no tokenizer, one of its files is damaged, or it is of a kind that is not
        read.
    """
    for names, read in READERS.items():
        if all((folder / name).is_file() for name in names):
            return read(folder / names[0])
    raise CheckpointError(
        f"{folder} holds no tokenizer: expected tokenizer.json, vocab.txt, vocab.json with "
        f"merges.txt, or a SentencePiece model. {describe_folder(folder)}"
    )


def _read_tokenizer_json(path: Path) -> Tokenizer:
    with _naming(path, "a tokenizer file"):
        return Tokenizer.from_file(str(path))


def _read_word_pieces(path: Path) -> Tokenizer:
    with _naming(path, "a WordPiece vocabulary"):
        vocabulary = WordPiece.read_file(str(path))
    options = read_options(path)
    # BERT's own vocabulary cannot hold <s>: it cuts words at punctuation.
    family = options.family or ("mpnet" if "<s>" in vocabulary else "bert")
    special = special_tokens(options, family)
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=special.unk.content))
    tokenizer.normalizer = _bert_normalizer(options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return _frame(tokenizer, special, family)


def _bert_normalizer(options: TokenizerOptions) -> normalizers.Normalizer:
    lowercase = options.switch("do_lower_case", default=True)
    return normalizers.BertNormalizer(
        lowercase=lowercase,
        strip_accents=options.switch("strip_accents", default=lowercase),
        handle_chinese_chars=options.switch("tokenize_chinese_chars", default=True),
    )


def _read_byte_pairs(path: Path) -> Tokenizer:
    options = read_options(path)
    merges = path.with_name("merges.txt")
    with _naming(path, f"a byte-pair vocabulary that {merges.name} fits"):
        tokenizer = Tokenizer(BPE(*BPE.read_file(str(path), str(merges))))
    space = options.switch("add_prefix_space", default=False)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=space)
    tokenizer.decoder = decoders.ByteLevel()
    special = special_tokens(options, options.family or "roberta")
    cls, sep = special.add_to(tokenizer)
    tokenizer.post_processor = processors.RobertaProcessing(
        sep=sep,
        cls_token=cls,
        trim_offsets=options.switch("trim_offsets", default=True),
        add_prefix_space=space,
    )
    return tokenizer


def _read_sentence_pieces(path: Path) -> Tokenizer:
    options = read_options(path)
    family = options.family or options.default_family()
    pieces = read_sentencepieces(path)
    if family in FAIRSEQ_ORDER:
        tokenizer = unigram_tokenizer(reorder_as_fairseq(pieces, *FAIRSEQ_ORDER[family]))
    else:
        tokenizer = unigram_tokenizer(pieces, _albert_normalizers(options))
    return _frame(tokenizer, special_tokens(options, family), family)


def _albert_normalizers(options: TokenizerOptions) -> list[normalizers.Normalizer]:
    steps: list[normalizers.Normalizer] = [normalizers.Replace(mark, '"') for mark in ("``", "''")]
    if not options.switch("keep_accents", default=False):
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if options.switch("do_lower_case", default=True):
        steps += [normalizers.Lowercase()]
    return steps


def _frame(tokenizer: Tokenizer, special: SpecialTokens, family: str) -> Tokenizer:
    ids = dict(special.add_to(tokenizer))
    cls, sep = special.cls.content, special.sep.content
    second = [sep, "$B", sep] if family in ROBERTA_LIKE else ["$B:1", f"{sep}:1"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[cls, "$A", sep],
        pair=[cls, "$A", sep, *second],
        special_tokens=list(ids.items()),
    )
    return tokenizer


@contextmanager
def _naming(path: Path, expected: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the library raises bare Exception
        raise CheckpointError(f"{path} is not {expected}: {error}") from error


READERS: dict[tuple[str, ...], Callable[[Path], Tokenizer]] = {
    ("tokenizer.json",): _read_tokenizer_json,
    ("vocab.txt",): _read_word_pieces,
    ("vocab.json", "merges.txt"): _read_byte_pairs,
    ("spiece.model",): _read_sentence_pieces,
    ("sentencepiece.bpe.model",): _read_sentence_pieces,
    ("sentencepiece.model",): _read_sentence_pieces,
}

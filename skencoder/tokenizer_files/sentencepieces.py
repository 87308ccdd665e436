"""SentencePiece models become unigram tokenizers: pieces, scores, character map.

Which piece order and special tokens a checkpoint needs stands in `reading`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram

from skencoder.errors import CheckpointError
from skencoder.tokenizer_files.options import SAVE_WITH_TRANSFORMERS

# TrainerSpec.ModelType, as sentencepiece_model.proto numbers it.
UNIGRAM, MODEL_TYPES = 1, {1: "unigram", 2: "bpe", 3: "word", 4: "char"}


@dataclass(frozen=True)
class SentencePieces:
    """What a SentencePiece model holds.

    Parameters
    ----------
    path : Path
        The file, for error messages.
    pieces : list of (str, float)
        Each piece with its log probability in nats; its place is its id.
    unk_id : int
        Id of the unknown piece.
    charsmap : bytes
        The model's own normalization, compiled; may be empty.
    """

    path: Path
    pieces: list[tuple[str, float]]
    unk_id: int
    charsmap: bytes


def read_sentencepieces(path: Path) -> SentencePieces:
    """Read a SentencePiece model's pieces.

    Parameters
    ----------
    path : Path
        The file, a protobuf.

    Returns
    -------
    SentencePieces
        Pieces as they stand in the file.

    Raises
    ------
    CheckpointError
        If the file is damaged, its model is not a unigram model without byte pieces, or
        the optional packages that read it are not installed.
    """
    model = _parse(path)
    kind = model.trainer_spec.model_type
    if kind != UNIGRAM or model.trainer_spec.byte_fallback:
        raise CheckpointError(
            f"{path} is a {MODEL_TYPES.get(kind, kind)} model with byte_fallback="
            f"{model.trainer_spec.byte_fallback}; a unigram model with byte_fallback=False was "
            f"expected. {SAVE_WITH_TRANSFORMERS}"
        )
    pieces = [(piece.piece, piece.score) for piece in model.pieces]
    charsmap = model.normalizer_spec.precompiled_charsmap
    return SentencePieces(path, pieces, model.trainer_spec.unk_id, charsmap)


def reorder_as_fairseq(
    pieces: SentencePieces, replaced: Sequence[str], first: Sequence[str]
) -> SentencePieces:
    """Give the pieces the ids that fairseq gave them.

    Parameters
    ----------
    pieces : SentencePieces
        As read.
    replaced : sequence of str
        The pieces expected at the front, which fairseq drops.
    first : sequence of str
        What fairseq puts in their place; ``<unk>`` is among them.

    Returns
    -------
    SentencePieces
        ``first``, the rest of the pieces, and ``<mask>``.

    Raises
    ------
    CheckpointError
        If the file begins with other pieces.
    """
    front = [piece for piece, _ in pieces.pieces[: len(replaced)]]
    if front != list(replaced):
        raise CheckpointError(
            f"{pieces.path} begins with the pieces {front}; {list(replaced)} were expected. "
            f"{SAVE_WITH_TRANSFORMERS}"
        )
    ordered = (
        [(token, 0.0) for token in first] + pieces.pieces[len(replaced) :] + [("<mask>", 0.0)]
    )
    return replace(pieces, pieces=ordered, unk_id=list(first).index("<unk>"))


def unigram_tokenizer(
    pieces: SentencePieces, before: Sequence[normalizers.Normalizer] = ()
) -> Tokenizer:
    """Build a tokenizer that cuts texts as SentencePiece does.

    Parameters
    ----------
    pieces : SentencePieces
        Pieces in the order of their ids.
    before : sequence of normalizers
        Applied before the model's own character map.

    Returns
    -------
    tokenizers.Tokenizer
        Without special tokens.

    Raises
    ------
    CheckpointError
        If the pieces or the character map cannot be used.
    """
    try:
        tokenizer = Tokenizer(Unigram(pieces.pieces, pieces.unk_id, byte_fallback=False))
        charsmap = [normalizers.Precompiled(pieces.charsmap)] if pieces.charsmap else []
    except Exception as error:  # the library raises bare Exception
        raise CheckpointError(f"{pieces.path} is damaged: {error}") from error
    # Splitting at whitespace first makes one word boundary of any run of spaces.
    words = pre_tokenizers.Metaspace()
    tokenizer.normalizer = normalizers.Sequence([*before, *charsmap])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), words])
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def _parse(path: Path) -> Any:
    try:
        from sentencepiece import sentencepiece_model_pb2
    except ImportError as error:
        raise CheckpointError(
            f"{path} is a SentencePiece model, which needs packages that are not installed "
            f"({error}): pip install 'skencoder[sentencepiece]'"
        ) from error
    messages: Any = sentencepiece_model_pb2  # its classes are made at import
    model = messages.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's own class is not ours to import
        raise CheckpointError(f"{path} is damaged: not a SentencePiece model: {error}") from error
    # The pieces come first in the file: one that was cut between two fields still parses.
    if not (model.pieces and model.HasField("trainer_spec") and model.HasField("normalizer_spec")):
        raise CheckpointError(
            f"{path} is damaged: a SentencePiece model holds pieces, a trainer_spec and a "
            f"normalizer_spec; got {len(model.pieces)} pieces. Fetch the file again."
        )
    return model

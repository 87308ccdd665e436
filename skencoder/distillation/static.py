"""distill_static: a Transformer becomes a table of token vectors. One page, top to bottom.

Each step stands in a file of its own beside this one.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from tokenizers import Tokenizer

from skencoder.checkpoint_files import SentenceSettings, read_checkpoint_files
from skencoder.checkpoints import save_checkpoint
from skencoder.distillation.token_vectors import Vectors, token_vectors, word_vectors
from skencoder.distillation.vocabulary import StaticVocabulary, make_vocabulary
from skencoder.distillation.weighting import principal_components, sif_weights
from skencoder.encoder import StaticEncoder
from skencoder.errors import CheckpointError, ParameterError
from skencoder.session import session
from skencoder.text_encoder import TextEncoder
from skencoder.tokenizer_files import lowercase_first, open_tokenizer


def distill_static(
    model: str | Path | TextEncoder = "all-MiniLM-L6-v2",
    vocabulary: Sequence[str] | None = None,
    *,
    n_components: int | None = 256,
    sif_coefficient: float | None = 1e-4,
    folder: str | Path | None = None,
    verbose: int = 0,
) -> TextEncoder:
    """Turn a model into a lookup table: far faster, for some of its quality.

    Each token goes through the model alone, once. The vectors are centred and reduced by principal
    component analysis, and weighted by how rare their tokens are. A text's vector is the mean of
    its tokens' vectors, scaled to unit length: no layer is computed, and no word knows its
    neighbours. A text without any known token has the vector zero.

    Parameters
    ----------
    model : str, Path or TextEncoder, default="all-MiniLM-L6-v2"
        What is distilled: a folder, the name of an installed model package, a hub id, or a loaded
        model, which says the precision. A named one is loaded in float32.
    vocabulary : sequence of str, optional
        Words and phrases that get a vector of their own, beside the tokenizer's tokens; frequent
        ones first.
    n_components : int or None, default=256
        Width of the vectors, at most the model's; None leaves out the analysis.
    sif_coefficient : float or None, default=1e-4
        The smaller, the less frequent tokens count; above 0 and below 1. None weighs all alike.
    folder : str or Path, optional
        Where the static model is written, for good; it must not exist, or be empty. If not given,
        it lies in a temporary folder until this process ends.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    TextEncoder
        Loaded from that folder, float32, on the CPU. Its ``source.model`` is the folder, which is
        a checkpoint like any other, for model2vec and sentence-transformers too.

    Raises
    ------
    CheckpointError
        If the model is static already, its tokenizer cannot be written as ``tokenizer.json``, or
        the folder holds something.
    ParameterError
        If a parameter has no such choice.
    TextInputError
        If a row of the vocabulary is no text.

    See Also
    --------
    skencoder.EncoderVectorizer : Takes the result as its ``model``.

    References
    ----------
    .. [1] Tulkens & van Dongen (2024), Model2Vec, doi:10.5281/zenodo.17270888.
    .. [2] Arora, Liang & Ma (2017), A Simple but Tough-to-Beat Baseline for Sentence Embeddings,
       ICLR.
    """
    _check_parameters(n_components, sif_coefficient)
    teacher = _load(model)
    words = make_vocabulary(_read_tokenizer(teacher), () if vocabulary is None else vocabulary)
    vectors = _embed(teacher, words, verbose)
    reduced = principal_components(vectors, n_components)
    weighted = reduced * sif_weights(len(reduced), sif_coefficient)[:, None]
    target = session().folder / "static" / uuid4().hex if folder is None else folder
    written = _write(Path(target), words, weighted.astype(np.float32), teacher)
    return TextEncoder.load(written, precision="float32", device="cpu")


def _check_parameters(n_components: Any, sif_coefficient: Any) -> None:
    whole = isinstance(n_components, int | np.integer) and not isinstance(n_components, bool)
    if n_components is not None and not (whole and n_components > 0):
        raise ParameterError(
            f"n_components must be a positive integer or None; got {n_components!r}."
        )
    number = isinstance(sif_coefficient, int | float | np.floating)
    if sif_coefficient is not None and not (number and 0 < sif_coefficient < 1):
        raise ParameterError(
            f"sif_coefficient must lie between 0 and 1, or be None; got {sif_coefficient!r}."
        )


def _load(model: str | Path | TextEncoder) -> TextEncoder:
    teacher = model
    if not isinstance(teacher, TextEncoder):
        teacher = TextEncoder.load(teacher, precision="float32")
    if isinstance(teacher.encoder, StaticEncoder):
        raise CheckpointError(
            f"{teacher.source.model!r} is a static model already; distill the one it was made of."
        )
    return teacher


def _read_tokenizer(teacher: TextEncoder) -> Tokenizer:
    source = teacher.source
    files = read_checkpoint_files(source.model, trust_remote_code=source.trust_remote_code)
    tokenizer = open_tokenizer(
        files.modules.transformer, trust_remote_code=source.trust_remote_code
    )
    if not isinstance(tokenizer, Tokenizer):
        raise CheckpointError(
            f"The tokenizer of {source.model!r} is computed by transformers and has no "
            f"tokenizer.json, without which no static model can be written."
        )
    if teacher.settings.lowercase:
        lowercase_first(tokenizer)
    return tokenizer


def _embed(teacher: TextEncoder, vocabulary: StaticVocabulary, verbose: int) -> Vectors:
    vectors = token_vectors(teacher, vocabulary.token_ids, verbose=verbose)
    if vocabulary.words:
        vectors = np.concatenate([vectors, word_vectors(teacher, list(vocabulary.words))])
    return vectors


def _write(
    target: Path, vocabulary: StaticVocabulary, vectors: Vectors, teacher: TextEncoder
) -> Path:
    # Special tokens and places kept free have the vector zero: no text means anything by them.
    table = torch.zeros(vocabulary.size, vectors.shape[1])
    table[[*vocabulary.token_ids, *vocabulary.words.values()]] = torch.from_numpy(vectors)
    settings = SentenceSettings(normalize=True, similarity=teacher.settings.similarity)
    with TemporaryDirectory() as place:
        vocabulary.tokenizer.save(str(Path(place) / "tokenizer.json"))
        return save_checkpoint(
            target, StaticEncoder(table), tokenizer_folder=place, settings=settings
        )

"""A corpus and a configuration become a checkpoint whose weights have learned nothing yet."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from skencoder.checkpoint_files import SentenceSettings
from skencoder.checkpoints import save_checkpoint
from skencoder.encoder import EncoderConfig
from skencoder.training.learner import SEEDS
from skencoder.training.new_models import create_masked_lm, plan_masked_lm
from skencoder.training.new_tokenizers import TokenizerKind, train_tokenizer


def write_new_model(
    config: EncoderConfig,
    texts: Iterable[str],
    folder: Path,
    *,
    kind: TokenizerKind,
    lowercase: bool,
    seed: int,
) -> Path:
    """Train a tokenizer, draw weights, and write both as a checkpoint.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices; ``vocab_size`` is the most tokens of the tokenizer.
    texts : iterable of str
        The corpus.
    folder : Path
        Where to; it must not exist, or be empty.
    kind : {"wordpiece", "bpe", "unigram"}
        Of the tokenizer.
    lowercase : bool
        Whether capitals count for nothing.
    seed : int
        Of the weights.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If no published family has all the parts; before anything is trained.
    ParameterError
        If the vocabulary is too small for the characters.
    TextInputError
        If there is too little text.
    OSError
        If the folder cannot be written.
    """
    planned, _ = plan_masked_lm(config, kind=kind)
    generator = torch.Generator().manual_seed(seed % SEEDS)
    with TemporaryDirectory(prefix="skencoder-") as draft:
        tokenizer = train_tokenizer(
            texts,
            Path(draft) / "tokenizer",
            kind=kind,
            vocab_size=planned.vocab_size,
            lowercase=lowercase,
        )
        model = create_masked_lm(planned, tokenizer.folder, generator=generator)
        settings = SentenceSettings(pooling="mean", normalize=True, similarity="cosine")
        return save_checkpoint(folder, model, tokenizer_folder=tokenizer.folder, settings=settings)

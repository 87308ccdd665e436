"""A configuration and a tokenizer become a model with fresh weights, which can be saved."""

from dataclasses import replace
from pathlib import Path

import torch

from skencoder.checkpoints import writable_model
from skencoder.encoder import Encoder, EncoderConfig, HeadConfig, MaskedLM
from skencoder.errors import ParameterError
from skencoder.tokenization import TextTokenizer
from skencoder.training.new_heads import drawing_from
from skencoder.training.new_weights import draw_weights
from skencoder.training.tokenizer_kinds import PAD_TOKEN_IDS


def plan_masked_lm(
    config: EncoderConfig, *, kind: str = "wordpiece"
) -> tuple[EncoderConfig, HeadConfig]:
    """Decide what a new model is made of, before a tokenizer is trained for it.

    Parameters
    ----------
    config : EncoderConfig
        What the user asked for.
    kind : {"wordpiece", "bpe", "unigram"}, default="wordpiece"
        The tokenizer to be trained, which decides ``pad_token_id``.

    Returns
    -------
    config : EncoderConfig
        The encoder to build; its ``vocab_size`` is what was asked for.
    head : HeadConfig
        The head above it.

    Raises
    ------
    CheckpointError
        If no published family has all these parts, so that it could not be saved.
    """
    return writable_model(_with_padding(config, PAD_TOKEN_IDS[kind]))


def create_masked_lm(
    config: EncoderConfig, tokenizer_folder: str | Path, *, generator: torch.Generator
) -> MaskedLM:
    """Make a model with fresh weights for a tokenizer.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices. ``vocab_size`` is taken from the tokenizer, and so is ``pad_token_id``
        where positions are counted from it; ``type_vocab_size`` may be lowered (see
        `skencoder.checkpoints.writable_model`).
    tokenizer_folder : str or Path
        Where its files lie.
    generator : torch.Generator
        One number is drawn from it, the seed of the weights; torch's own state stays as it is.

    Returns
    -------
    MaskedLM
        On the CPU, in training mode; `skencoder.checkpoints.save_checkpoint` can write it.

    Raises
    ------
    CheckpointError
        If no published family has all these parts, or the tokenizer cannot be read.
    ParameterError
        If positions shall be counted from padding that the tokenizer does not have.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import torch
    >>> from skencoder.encoder import EncoderConfig
    >>> from skencoder.training.new_models import create_masked_lm
    >>> from skencoder.training.new_tokenizers import train_tokenizer
    >>> tokenizer = train_tokenizer(["so far so good"], mkdtemp(), vocab_size=25)
    >>> config = EncoderConfig(vocab_size=25, hidden_size=24)
    >>> generator = torch.Generator().manual_seed(0)
    >>> model = create_masked_lm(config, tokenizer.folder, generator=generator)
    >>> model.encoder.config.vocab_size
    17
    """
    tokenizer = TextTokenizer.load(Path(tokenizer_folder).expanduser())
    padding = tokenizer.pad_token_ids
    if config.pad_token_id is not None and not padding:
        raise ParameterError(
            f"pad_token_id={config.pad_token_id} counts positions from padding, but the tokenizer "
            f"in {tokenizer_folder} has none; choose pad_token_id=None."
        )
    sized = replace(config, vocab_size=tokenizer.vocab_size)
    found, head = writable_model(_with_padding(sized, *padding[:1]))
    with drawing_from(generator):
        model = MaskedLM(Encoder(found), head)
        draw_weights(model)
    return model


def _with_padding(config: EncoderConfig, pad_token_id: int | None = None) -> EncoderConfig:
    """Count positions from the tokenizer's padding where they are counted from padding."""
    counted = config.pad_token_id is not None
    return replace(config, pad_token_id=pad_token_id) if counted else config

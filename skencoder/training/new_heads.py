"""A new head that guesses masked tokens, on an encoder that was published without one."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from skencoder.checkpoints.writable import check_can_be_written, writable_model
from skencoder.encoder import Encoder, MaskedLM


def add_head(encoder: Encoder, *, generator: torch.Generator) -> MaskedLM:
    """Put a new head on an encoder.

    Parameters
    ----------
    encoder : Encoder
        Its weights stay; its token embeddings become the decoder's.
    generator : torch.Generator
        One number is drawn from it, the seed of the weights; torch's own state stays as it is.

    Returns
    -------
    MaskedLM
        On the CPU; `skencoder.checkpoints.save_checkpoint` can write it.

    Raises
    ------
    CheckpointError
        If no published family has such an encoder with a head.
    """
    config, head = writable_model(encoder.config)
    if config != encoder.config:
        check_can_be_written(encoder.config, head)
    with drawing_from(generator):
        return MaskedLM(encoder, head)


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let new modules draw their weights by a generator; torch's own state stays as it is.

    Parameters
    ----------
    generator : torch.Generator
        One number is drawn from it, the seed of the weights.
    """
    drawn = torch.randint(2**63 - 1, (), generator=generator, device=generator.device)
    # torch's modules know no generator but the global one. Seeding it through torch.manual_seed
    # would reach every GPU's too, which is not put back.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(drawn))
        yield

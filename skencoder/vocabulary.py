"""Whether a tokenizer and an encoder belong together, as far as sizes and padding can tell."""

import warnings

from skencoder.checkpoints import Checkpoint
from skencoder.errors import CheckpointError, CheckpointWarning
from skencoder.tokenization import TextTokenizer

# Published tables are rounded up to a multiple of 64 or 128, or keep some rows for later use; the
# largest such rest known is of 1,000 ids.
MOST_UNUSED_IDS = 1024


def check_vocabulary(tokenizer: TextTokenizer, checkpoint: Checkpoint) -> None:
    """Refuse a tokenizer whose ids are not the encoder's.

    Parameters
    ----------
    tokenizer : TextTokenizer
        Of the checkpoint's folder.
    checkpoint : Checkpoint
        With its encoder.

    Raises
    ------
    CheckpointError
        If the tokenizer gives ids that the encoder has not, or is of another size and has its
        padding elsewhere.

    Warns
    -----
    CheckpointWarning
        If only one of these looks odd.
    """
    folder, vocab_size = checkpoint.folder, checkpoint.encoder.config.vocab_size
    known, unused = tokenizer.vocab_size, vocab_size - tokenizer.vocab_size
    ours, expected = tokenizer.pad_token_ids, checkpoint.special_ids.get("pad_token_id")
    other_padding = bool(ours) and expected is not None and expected not in ours
    if unused < 0:
        raise CheckpointError(
            f"The tokenizer in {folder} (tokenizer.json) gives ids up to {known - 1}, but "
            f"config.json has vocab_size={vocab_size}; the tokenizer belongs to another model."
        )
    described = (
        f"The tokenizer in {folder} (tokenizer.json) has {known} ids and padding at "
        f"{' or '.join(map(str, ours)) or 'none'}, but config.json has vocab_size={vocab_size} "
        f"and pad_token_id={expected}"
    )
    if other_padding and unused > MOST_UNUSED_IDS:
        raise CheckpointError(f"{described}; the tokenizer belongs to another model.")
    # Padding alone says little: published files disagree, and only positions counted from it care.
    if unused > MOST_UNUSED_IDS or (other_padding and _counts_from_padding(checkpoint)):
        warnings.warn(
            f"{described}. If it belongs to another model, the vectors mean nothing.",
            CheckpointWarning,
            stacklevel=3,
        )


def _counts_from_padding(checkpoint: Checkpoint) -> bool:
    return getattr(checkpoint.encoder.config, "pad_token_id", None) is not None

"""Dynamic masking of packed tokens: which are to be guessed, and what stands in their place.

Arrays on the host, drawn anew for each batch before it is copied to a device. The loss of the
guesses is `losses.masked_token_loss`; masking for scores is `skencoder.pseudo_likelihood`'s.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError, TrainingError
from skencoder.tokenization import Ids, Index

# Of the tokens to be guessed; the rest stay as they are, for nothing is masked in later use.
MASKED_SHARE = 0.8
RANDOM_SHARE = 0.1


@dataclass(frozen=True)
class MaskedTokens:
    """A packed batch with tokens to be guessed.

    Parameters
    ----------
    input_ids : int32 of shape (tokens,)
        What the model reads.
    places : int64 of shape (places,)
        Which tokens it is to guess, in rising order; at least one.
    targets : int32 of shape (places,)
        What stood there.
    """

    input_ids: Ids
    places: Index
    targets: Ids


def ordinary_tokens(vocab_size: int, special_ids: Iterable[int]) -> NDArray[np.bool_]:
    """Say of each id whether it is an ordinary token.

    Indexed with a batch's ids it says which may be masked; where it is True are the ids that may
    replace them.

    Parameters
    ----------
    vocab_size : int
        Number of ids.
    special_ids : iterable of int
        Such as those of ``[CLS]``, ``[SEP]``, ``[MASK]`` and padding.

    Returns
    -------
    bool of shape (vocab_size,)
        False for the special ones.
    """
    ordinary = np.ones(vocab_size, bool)
    ordinary[list(special_ids)] = False
    return ordinary


def choose_places(
    maskable: NDArray[np.bool_],
    *,
    probability: float = 0.15,
    words: Index | None = None,
    generator: np.random.Generator,
) -> Index:
    """Draw the tokens that are to be guessed, each for itself or word by word.

    Parameters
    ----------
    maskable : bool of shape (tokens,)
        False for special tokens, which are never drawn.
    probability : float, default=0.15
        Of each token, or of each word with all its tokens.
    words : int of shape (tokens,), default=None
        Number of the word that each token is a piece of, unique across the texts; what it says
        of tokens that are not maskable does not count. None draws single tokens.
    generator : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    int64 of shape (places,)
        In rising order. Where chance would draw none, one token or word is drawn all the same.

    Raises
    ------
    ParameterError
        If the probability is not above 0 and at most 1.
    TrainingError
        If no token is maskable, or the shapes differ.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805, section 3.1; whole words:
       https://github.com/google-research/bert, as of May 2019.
    .. [2] Liu et al. (2019), RoBERTa, arXiv:1907.11692, section 4.1: drawn anew in each epoch.
    """
    if not 0 < probability <= 1:
        raise ParameterError(f"probability must be above 0 and at most 1; got {probability!r}.")
    candidates = np.flatnonzero(maskable)
    if not len(candidates):
        raise TrainingError(
            f"No token can be masked: all {len(maskable)} of the batch are special; "
            f"leave texts without words out."
        )
    owners = np.arange(len(candidates)) if words is None else _owners(words, maskable)
    drawn = generator.random(owners.max() + 1) < probability
    if not drawn.any():
        drawn[generator.integers(len(drawn))] = True
    places: Index = candidates[drawn[owners]]
    return places


def mask_tokens(
    input_ids: Ids,
    places: Index,
    *,
    mask_id: int,
    random_ids: Ids | Index,
    generator: np.random.Generator,
) -> MaskedTokens:
    """Replace tokens that are to be guessed: 80 % by the mask, 10 % by any token, 10 % stay.

    Each is drawn for itself, also within a word.

    Parameters
    ----------
    input_ids : int32 of shape (tokens,)
        Packed texts; they are not changed.
    places : int64 of shape (places,)
        Which are to be guessed, as of `choose_places`.
    mask_id : int
        The mask's id.
    random_ids : int of shape (ids,)
        What may stand in for a token: the ids that are not special.
    generator : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    MaskedTokens
        What the model reads and what it is to guess.

    Raises
    ------
    TrainingError
        If there are no ids that may stand in.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805, section 3.1 and appendix C.2.
    """
    if not len(random_ids):
        raise TrainingError(
            "random_ids is empty, so no token can stand in for another; give the vocabulary's ids "
            "without the special ones."
        )
    fate = generator.random(len(places))
    strangers = random_ids[generator.integers(len(random_ids), size=len(places))]
    masked = fate < MASKED_SHARE
    replaced = ~masked & (fate < MASKED_SHARE + RANDOM_SHARE)
    read = input_ids.copy()
    read[places[masked]] = mask_id
    read[places[replaced]] = strangers[replaced]
    return MaskedTokens(read, places, input_ids[places])


def _owners(words: Index, maskable: NDArray[np.bool_]) -> Index:
    if words.shape != maskable.shape:
        raise TrainingError(
            f"words must have a number per token, so the shape {maskable.shape}; "
            f"got {words.shape}."
        )
    # Numbered from 0 without gaps, so that there is one draw per word.
    _, owners = np.unique(words[maskable], return_inverse=True)
    return owners

"""ReplySelector: the best replies to what was said, out of a bank of replies."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError, TextInputError, UnknownReplyWarning
from skencoder.estimators.texts import read_texts
from skencoder.estimators.turns import Turns
from skencoder.estimators.unit_vectors import (
    cosines,
    encode_units,
    fit_encoder,
    mean_units,
)
from skencoder.frames import user_stacklevel
from skencoder.parameter_checks import check_count, check_share

if TYPE_CHECKING:
    import pandas as pd

# Scores in memory at once, 64 MB of float32.
BLOCK = 2**24
Scores = NDArray[np.floating[Any]]


class ReplySelector(BaseEstimator):
    r"""Choose the best reply to a context from a bank of replies.

    A context is one text, or the turns of a dialogue, the oldest first. Its vector is the mean of
    its turns' vectors :math:`v_0, v_1, ...`, the last turn being :math:`v_0`, with the weights
    :math:`decay^i`. A reply's score is ``context_weight`` times the cosine to the most similar
    context that it was given to, plus the rest times the cosine to the reply itself. Parameters
    that are set later take effect at the next ``fit``.

    Parameters
    ----------
    encoder : transformer, default=None
        From texts to vectors; None is `EncoderVectorizer` with its default model.
    decay : float in [0, 1], default=0.75
        By how much less a turn counts than the one after it; 0 reads the last turn only.
    context_weight : float in [0, 1], default=0.5
        How much a similar context counts; the rest is for the reply itself.

    Attributes
    ----------
    replies_ : ndarray of str objects of shape (n_replies,)
        The bank: different replies, sorted.
    encoder_ : transformer
        The fitted encoder.

    See Also
    --------
    OutOfScopeClassifier : Says when a question is about something else.

    References
    ----------
    .. [1] Henderson et al. (2017), Efficient natural language response suggestion,
       arXiv:1705.00652: replies as vectors, and the best of them by a product.
    .. [2] Lowe et al. (2015), The Ubuntu Dialogue Corpus, arXiv:1506.08909: recall@k of N.

    Examples
    --------
    >>> from skencoder import ReplySelector
    >>> contexts = ["Where is my parcel?", "How do I pay?", ["Hello.", "Are you open today?"]]
    >>> replies = ["It is on its way.", "By card, at the door.", "Until six in the evening."]
    >>> selector = ReplySelector().fit(contexts, replies)
    >>> selector.predict([["Good morning!", "When do you close?"]])
    array(['Until six in the evening.'], dtype=object)
    """

    def __init__(
        self, encoder: Any = None, *, decay: float = 0.75, context_weight: float = 0.5
    ) -> None:
        self.encoder = encoder
        self.decay = decay
        self.context_weight = context_weight

    def fit(self, X: Any, y: Any) -> "ReplySelector":
        """Learn which reply was given to which context.

        Parameters
        ----------
        X : iterable of shape (n_pairs,)
            Contexts: texts, or lists of turns, the oldest first.
        y : iterable of str of shape (n_pairs,)
            Replies; one that was given several times stands once in the bank.

        Returns
        -------
        ReplySelector
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If contexts or replies are no texts, or their numbers differ.
        """
        check_share("decay", self.decay)
        check_share("context_weight", self.context_weight)
        turns, replies = Turns.read(X), _read_replies(y)
        if turns.n_contexts != len(replies):
            raise TextInputError(
                f"X holds {turns.n_contexts} contexts and y {len(replies)} replies; a reply to "
                f"each context was expected."
            )
        self.encoder_ = fit_encoder(self.encoder, [*turns.texts, *replies])
        self.replies_, owner = np.unique(np.array(replies, object), return_inverse=True)
        # The contexts of one reply lie side by side, so that their best is one reduction.
        order = np.argsort(owner, kind="stable")
        self._starts = np.searchsorted(owner[order], np.arange(len(self.replies_)))
        # The bank and what is compared with it later are weighed alike.
        self._decay, self._context_weight = self.decay, self.context_weight
        self._context_vectors = self._encode_turns(turns)[order]
        self._reply_vectors = encode_units(self.encoder_, self.replies_.tolist())
        return self

    def predict(self, X: Any) -> NDArray[np.object_]:
        """Give the best reply to each context.

        Parameters
        ----------
        X : iterable of shape (n_contexts,)
            Contexts: texts, or lists of turns, the oldest first.

        Returns
        -------
        ndarray of str objects of shape (n_contexts,)
            Of equally good ones the first in ``replies_``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is no collection of contexts.
        """
        check_is_fitted(self)
        best = [scores.argmax(axis=1) for scores in self._score_bank(Turns.read(X))]
        return np.asarray(self.replies_[np.concatenate(best)])

    def select(self, X: Any, n_replies: int = 3) -> "pd.DataFrame":
        """Give the best replies to each context with their scores.

        Parameters
        ----------
        X : iterable of shape (n_contexts,)
            Contexts: texts, or lists of turns, the oldest first.
        n_replies : int, default=3
            How many to each.

        Returns
        -------
        DataFrame
            One row per context and reply, the best first: ``context`` (its number), ``rank``
            (from 1), ``score`` (at most 1), ``reply``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If ``n_replies`` is no count, or above the size of the bank.
        TextInputError
            If X is no collection of contexts.
        """
        import pandas as pd

        check_is_fitted(self)
        if check_count("n_replies", n_replies, at_least=1) > len(self.replies_):
            raise ParameterError(
                f"n_replies={n_replies} is above the size of the bank, {len(self.replies_)}."
            )
        blocks = [_top(scores, n_replies) for scores in self._score_bank(Turns.read(X))]
        chosen, scores = map(np.concatenate, zip(*blocks, strict=True))
        return pd.DataFrame(
            {
                "context": np.repeat(np.arange(len(chosen)), n_replies),
                "rank": np.tile(np.arange(1, n_replies + 1), len(chosen)),
                "score": scores.ravel(),
                "reply": self.replies_[chosen.ravel()],
            }
        )

    def score_candidates(self, X: Any, candidates: Any) -> list[Scores]:
        """Compare each context with candidates of its own, which need not be in the bank.

        Nothing is known of contexts that they were given to, so this is the cosine to the reply
        itself, whatever ``context_weight`` is.

        Parameters
        ----------
        X : iterable of shape (n_contexts,)
            Contexts: texts, or lists of turns, the oldest first.
        candidates : iterable of shape (n_contexts,)
            One or more replies to each.

        Returns
        -------
        list of float arrays of shape (n_candidates,)
            Scores of each context's candidates, in their order.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If contexts or candidates are no texts, or their numbers differ.
        """
        check_is_fitted(self)
        turns, options = Turns.read(X), Turns.read(candidates, "candidates")
        if turns.n_contexts != options.n_contexts:
            raise TextInputError(
                f"X holds {turns.n_contexts} contexts and candidates {options.n_contexts} rows; "
                f"candidates for each context were expected."
            )
        contexts, replies = self._encode_turns(turns), encode_units(self.encoder_, options.texts)
        products = np.asarray((contexts[options.context] * replies).sum(axis=1)).ravel()
        ends = np.flatnonzero(np.diff(options.context)) + 1
        return list(np.split(products, ends))

    def score(self, X: Any, y: Any) -> float:
        """Give the share of contexts whose best reply is the one that was given (recall@1).

        Only a reply of the bank can be right. Where each is given once, one that is held out is
        not in it, and ``cross_val_score`` is 0 whatever the parameters: choose them by
        `score_candidates`, or on contexts whose replies are in the bank.

        Parameters
        ----------
        X : iterable of shape (n_contexts,)
            Contexts: texts, or lists of turns, the oldest first.
        y : iterable of str of shape (n_contexts,)
            The replies that were given.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is no collection of contexts.

        Warns
        -----
        UnknownReplyWarning
            If most of the replies are not in the bank.
        """
        chosen, given = self.predict(X), _read_replies(y)
        if len(chosen) != len(given):
            raise TextInputError(
                f"X holds {len(chosen)} contexts and y {len(given)} replies; a reply to each "
                f"context was expected."
            )
        self._warn_of_unknown(given)
        return float(np.mean(chosen == np.array(given, object)))

    def _warn_of_unknown(self, replies: list[str]) -> None:
        bank = set(self.replies_)
        unknown = sum(reply not in bank for reply in replies)
        if unknown > len(replies) / 2:
            warnings.warn(
                f"{unknown} of the {len(replies)} replies in y are not in the bank, so they count "
                f"as wrong whatever is chosen; score_candidates ranks replies that are not.",
                UnknownReplyWarning,
                stacklevel=user_stacklevel(),
            )

    def _encode_turns(self, turns: Turns) -> Any:
        return mean_units(turns.weigh(self._decay), encode_units(self.encoder_, turns.texts))

    def _score_bank(self, turns: Turns) -> Iterator[Scores]:
        """Score all replies, some contexts at a time."""
        vectors = self._encode_turns(turns)
        step = max(1, BLOCK // self._context_vectors.shape[0])
        for start in range(0, turns.n_contexts, step):
            block = vectors[start : start + step]
            like_contexts = np.maximum.reduceat(
                cosines(block, self._context_vectors), self._starts, axis=1
            )
            like_replies = cosines(block, self._reply_vectors)
            yield like_replies + self._context_weight * (like_contexts - like_replies)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def _read_replies(y: Any) -> list[str]:
    try:
        return read_texts(y, name="y")
    except TextInputError as error:
        raise TextInputError(f"Replies: {error}") from error


def _top(scores: Scores, n: int) -> tuple[NDArray[np.intp], Scores]:
    """Choose the n largest of each row, the largest first, of equal ones the first."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return order, np.take_along_axis(scores, order, axis=1)

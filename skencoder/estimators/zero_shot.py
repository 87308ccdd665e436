"""ZeroShotClassifier: texts are given the label whose description they are closest to."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.estimators.texts import read_texts
from skencoder.estimators.unit_vectors import (
    cosines,
    encode_units,
    fit_encoder,
    mean_units,
)
from skencoder.parameter_checks import check_finite

SLOT = "{}"
SHOWN = 5


class ZeroShotClassifier(ClassifierMixin, BaseEstimator):
    """Classify texts by descriptions of the labels, without a labelled text.

    A label's vector is the mean of its sentences' vectors, brought to length one. A text's logits
    are its cosines to the labels' vectors, divided by the temperature.

    Parameters
    ----------
    encoder : transformer, default=None
        From texts to vectors; None is `EncoderVectorizer` with its default model.
    descriptions : mapping, iterable of str, or None, default=None
        From each label to one sentence, or several, that say what it is about. Of an iterable,
        each element is a label and its own description, and so are the labels of ``y`` if None;
        in those an underscore is read as a space.
    template : str or sequence of str, default="{}"
        What is encoded of a description, which takes the place of ``{}``, such as
        ``"This text is about {}."``; of several templates the vectors are averaged.
    temperature : float, default=0.05
        What cosines are divided by before the softmax. It decides how sure probabilities are, not
        which label wins. The default is what many sentence encoders were trained with, [2]_, and
        is no promise: ``CalibratedClassifierCV(..., method="temperature")`` learns it from labels.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    class_vectors_ : float array or sparse array of shape (n_classes, n_features)
        The labels' vectors, of length one.
    encoder_ : transformer
        The fitted encoder.

    See Also
    --------
    sklearn.neighbors.NearestCentroid : The same from labelled texts.
    sklearn.calibration.CalibratedClassifierCV : Probabilities that hold.

    References
    ----------
    .. [1] Radford et al. (2021), Learning transferable visual models from natural language
       supervision, arXiv:2103.00020, section 3.1: labels as sentences, averaged templates.
    .. [2] Henderson et al. (2017), Efficient natural language response suggestion,
       arXiv:1705.00652; sentence-transformers scales cosines by 20 in that loss.

    Examples
    --------
    >>> from skencoder import ZeroShotClassifier
    >>> topics = {"sport": "A match, a team, an athlete.", "money": "Banks, prices, trade."}
    >>> classifier = ZeroShotClassifier(descriptions=topics).fit()
    >>> classifier.predict(["The goalkeeper was injured.", "Interest rates have risen."])
    array(['sport', 'money'], dtype='<U5')
    """

    def __init__(
        self,
        encoder: Any = None,
        *,
        descriptions: Mapping[Any, str | Sequence[str]] | Iterable[str] | None = None,
        template: str | Sequence[str] = SLOT,
        temperature: float = 0.05,
    ) -> None:
        self.encoder = encoder
        self.descriptions = descriptions
        self.template = template
        self.temperature = temperature

    def fit(self, X: Any = None, y: Any = None) -> "ZeroShotClassifier":
        """Encode the descriptions.

        Parameters
        ----------
        X : iterable of str of shape (n_texts,), optional
            Texts for an encoder that learns, such as ``TfidfVectorizer``, beside the descriptions.
        y : array-like of shape (n_texts,), optional
            Labels. Nothing is learned from them; each must have a description.

        Returns
        -------
        ZeroShotClassifier
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or a label is missing or has no description.
        TextInputError
            If X is not a collection of texts.
        ValueError
            If there is not one label per text, or y holds amounts.
        """
        templates = _as_templates(self.template)
        # One set later takes effect at the next fit, as descriptions and templates do.
        self._temperature = self._check_temperature()
        texts = [] if X is None else read_texts(X, missing="empty")
        labels = None if y is None else _read_labels(y)
        if X is not None:
            check_consistent_length(texts, labels)
        described = _describe(self.descriptions, labels)
        classes = _sort_labels(list(described))
        if labels is not None:
            _check_described(labels, classes)
        filled, owner = _fill(templates, [described[label] for label in classes])
        self.encoder_ = fit_encoder(self.encoder, [*texts, *filled])
        members = csr_array(
            (np.ones(len(owner)), (owner, np.arange(len(owner)))), (len(classes), len(owner))
        )
        self.class_vectors_ = mean_units(members, encode_units(self.encoder_, filled))
        self.classes_ = np.array(classes)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the logits.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts, n_classes), or (n_texts,) for two classes
            Cosines divided by the temperature; for two classes the second's minus the first's.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits  # noqa: PLR2004

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Give the softmax of the logits.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts, n_classes)
            Each row sums to 1; how sure it is depends on ``temperature``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        return np.asarray(softmax(self._logits(X), axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Give each text the label of the closest description.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        ndarray of shape (n_texts,)
            Labels; of equally close ones the first in ``classes_``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        best = self._logits(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _logits(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        similarities = cosines(encode_units(self.encoder_, X), self.class_vectors_)
        # In float64 probabilities sum to 1 as closely as scikit-learn's metrics ask for.
        return similarities.astype(np.float64) / self._temperature

    def _check_temperature(self) -> float:
        temperature = check_finite("temperature", self.temperature)
        if temperature <= 0:
            raise ParameterError(f"temperature must be above 0; got {self.temperature!r}.")
        return temperature

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = False
        return tags


def _as_templates(template: Any) -> list[str]:
    templates = [template] if isinstance(template, str) else template
    if not isinstance(templates, Sequence) or not templates:
        raise ParameterError(f"template must be a str or several; got {template!r}.")
    for one in templates:
        if not isinstance(one, str) or SLOT not in one:
            raise ParameterError(f"template must hold {{}} where a description goes; got {one!r}.")
    return list(templates)


def _read_labels(y: Any) -> NDArray[Any]:
    import pandas as pd

    # As an array of its own choice numpy would write NaN beside texts as the text 'nan'.
    missing = np.flatnonzero(pd.isna(np.array(y, dtype=object)))
    if len(missing):
        raise ParameterError(
            f"Row {missing[0]} of y is missing; a label was expected. Leave rows without one out."
        )
    labels: NDArray[Any] = column_or_1d(y)
    check_classification_targets(labels)
    return labels


def _describe(descriptions: Any, y: NDArray[Any] | None) -> dict[Any, list[str]]:
    """Give the sentences of each label."""
    if descriptions is None:
        if y is None:
            raise ParameterError(
                "descriptions is None and there is no y, so no label is known; give "
                "descriptions={label: sentence, ...}, or the labels' names as a list."
            )
        descriptions = np.unique(y).tolist()
    if isinstance(descriptions, str) or not isinstance(descriptions, Iterable):
        raise ParameterError(
            f"descriptions must map labels to sentences, or list labels; got {descriptions!r}."
        )
    if not isinstance(descriptions, Mapping):
        descriptions = list(descriptions)
    for label in descriptions:
        if not isinstance(label, str | Real) or label != label:  # noqa: PLR0124 - NaN
            raise ParameterError(
                f"descriptions hold the label {label!r}; a str or a number was expected."
            )
    if not isinstance(descriptions, Mapping):
        return {label: [str(label).replace("_", " ")] for label in descriptions}
    return {label: _as_sentences(label, value) for label, value in descriptions.items()}


def _as_sentences(label: Any, value: Any) -> list[str]:
    sentences = [value] if isinstance(value, str) else value
    if (
        not isinstance(sentences, Sequence)
        or not sentences
        or not all(isinstance(sentence, str) and sentence.strip() for sentence in sentences)
    ):
        raise ParameterError(
            f"descriptions[{label!r}] must be a sentence or several, none of them empty; got "
            f"{value!r}."
        )
    return list(sentences)


def _sort_labels(labels: list[Any]) -> list[Any]:
    if len(labels) < 2:  # noqa: PLR2004 - what a classifier is for
        raise ParameterError(f"Two labels or more are needed; descriptions hold {labels!r}.")
    try:
        return sorted(labels)
    except TypeError as error:
        raise ParameterError(
            f"Labels of descriptions must all be of one kind; got {labels!r}."
        ) from error


def _check_described(labels: NDArray[Any], classes: list[Any]) -> None:
    unknown = sorted(set(labels.tolist()) - set(classes), key=str)
    if unknown:
        raise ParameterError(
            f"y holds {len(unknown)} labels without a description "
            f"({', '.join(map(repr, unknown[:SHOWN]))}); describe them, or leave their rows out."
        )


def _fill(templates: list[str], described: list[list[str]]) -> tuple[list[str], list[int]]:
    """Give all texts to encode, and the number of the class each belongs to."""
    filled = [
        (template.replace(SLOT, sentence), number)
        for number, sentences in enumerate(described)
        for sentence in sentences
        for template in templates
    ]
    texts, owners = zip(*filled, strict=True)
    return list(texts), list(owners)

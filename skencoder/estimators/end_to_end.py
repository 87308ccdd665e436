"""A model and its head, trained together: what EncoderClassifier and EncoderRegressor do alike."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from skencoder.encode_once import as_handle
from skencoder.errors import ParameterError
from skencoder.estimators.target_codes import Answers
from skencoder.estimators.target_rows import Floats
from skencoder.estimators.tuning import check_can_go_on, draw_seed, is_config
from skencoder.estimators.vectorizer import EncoderVectorizer
from skencoder.parameter_checks import check_share

# What both estimators take of the vectorizer's parameters.
ENCODING = (
    *("model", "pooling", "max_length", "overflow", "prompt", "missing", "precision", "device"),
    *("cache", "random_state", "verbose"),
)
# What a head was made for: other vectors mean nothing to it.
READING = ("model", "pooling", "prompt")
# Counted on from where a former training ended.
COUNTED = ["step", "epoch", "seconds"]


@dataclass(frozen=True)
class Trained:
    """A tuned model and its head.

    Parameters
    ----------
    encoder : EncoderVectorizer
        Fitted.
    coef : float64 of shape (n_outputs, n_features)
        The head's weights.
    intercept : float64 of shape (n_outputs,)
        What it adds.
    history : DataFrame
        One row per step.
    """

    encoder: EncoderVectorizer
    coef: Floats
    intercept: Floats
    history: pd.DataFrame

    def outputs(self, X: Any) -> Floats:
        """Give what the head makes of texts; vectors come from the cache where they are there.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts, n_outputs)
            Logits or amounts.
        """
        vectors = np.asarray(self.encoder.transform(X), dtype=np.float64)
        return vectors @ self.coef.T + self.intercept


@dataclass(frozen=True)
class EndToEnd:
    """How a model and its head are trained.

    Parameters
    ----------
    encoder : EncoderVectorizer
        Not fitted; with the user's model and how it encodes.
    objective : HeadObjective
        Loss and training.
    seed : int
        Of all that is drawn.
    """

    encoder: EncoderVectorizer
    objective: Any
    seed: int

    @classmethod
    def of(cls, estimator: Any, loss: Any, training: Any, **parameters: Any) -> "EndToEnd":
        """Read what an estimator says.

        Parameters
        ----------
        estimator : EncoderClassifier or EncoderRegressor
            Its parameters are named as those of `EncoderVectorizer`.
        loss : str
            Of the head's outputs.
        training : Training or None
            How it is trained.
        **parameters : object
            Of the objective.

        Returns
        -------
        EndToEnd
            Nothing is loaded yet.

        Raises
        ------
        ParameterError
            If ``training`` or ``dropout`` cannot be used, or a state would be kept that no other
            fit could go on from.
        """
        from skencoder.objectives import Training
        from skencoder.objectives.head import HeadObjective

        if training is not None and not isinstance(training, Training):
            raise ParameterError(
                f"training must be None or a Training of skencoder.objectives; got {training!r}."
            )
        check_can_go_on(training, estimator.random_state)
        # Before anything that takes time; the rows are counted later.
        (training or Training()).options(HeadObjective.DEFAULTS, n_rows=sys.maxsize)
        dropout = check_share("dropout", estimator.dropout)
        encoding = {name: getattr(estimator, name) for name in ENCODING}
        objective = HeadObjective(loss=loss, dropout=dropout, training=training, **parameters)
        encoder = EncoderVectorizer(normalize=True, **encoding)
        return cls(encoder, objective, draw_seed(estimator.random_state))

    def run(self, texts: list[str], answers: Answers, former: Trained | None) -> Trained:
        """Train on all texts there are.

        Parameters
        ----------
        texts : list of str of shape (n_texts,)
            What is learned from.
        answers : Answers
            What the head shall give for them.
        former : Trained or None
            What it begins with, which is left as it is; None begins with the model that the user
            named and a new head, the best for its vectors.

        Returns
        -------
        Trained
            After the last step; its history begins with the former one's.

        Raises
        ------
        TrainingError
            If it cannot learn from what came.
        ParameterError
            If a parameter cannot be used, or was changed since the former training.
        CheckpointError
            If the model cannot be trained.
        OSError
            If there is no room for the new model; nothing is left behind.
        """
        from skencoder.training.heads import fit_head

        if former is not None:
            return self._train(texts, self._exercise(answers, former), former)
        beginning = self._begin(texts, answers)
        exercise = self._exercise(answers, beginning)
        learned = self._learned_rows(len(texts))
        vectors = beginning.encoder.transform([texts[row] for row in learned])
        fit_head(exercise.take_rows(learned), np.asarray(vectors), self.objective.make_loss())
        return self._train(texts, exercise, beginning)

    def go_on(self, texts: list[str], answers: Answers, former: Trained | None) -> Trained:
        """Train on some texts of many: the head moves first, then both learn.

        Parameters
        ----------
        texts : list of str of shape (n_texts,)
            What is learned from.
        answers : Answers
            What the head shall give for them.
        former : Trained or None
            As for `run`; a new head knows nothing.

        Returns
        -------
        Trained
            As of `run`.

        Raises
        ------
        TrainingError
            If it cannot learn from what came.
        ParameterError
            If a parameter cannot be used, or was changed since the former training.
        CheckpointError
            If the model cannot be trained.
        OSError
            If there is no room for the new model; nothing is left behind.
        """
        from skencoder.training.heads import move_head

        beginning = former or self._begin(texts, answers)
        exercise = self._exercise(answers, beginning)
        vectors = np.asarray(beginning.encoder.transform(texts))
        move_head(exercise, vectors, self.objective.make_loss())
        return self._train(texts, exercise, beginning)

    def _exercise(self, answers: Answers, beginning: Trained) -> Any:
        from skencoder.training.heads import Exercise, Head

        self._check_same(beginning.encoder)
        dropout = self.objective.dropout
        head = Head(beginning.coef, beginning.intercept, dropout=dropout)
        return Exercise(head, answers.targets, answers.weights, answers.rows)

    def _check_same(self, former: EncoderVectorizer) -> None:
        """Refuse another model or reading below a head that was made for the former one."""
        for name in READING:
            before, now = getattr(former, name), getattr(self.encoder, name)
            if not _is_same(before, now):
                raise ParameterError(
                    f"{name}={now!r}, but what is gone on with was trained with {name}="
                    f"{before!r}; set it back, or fit a clone."
                )

    def _begin(self, texts: list[str], answers: Answers) -> Trained:
        encoder = self._open(texts)
        coef = np.zeros((answers.n_outputs, encoder.n_features_out_))
        return Trained(encoder, coef, np.zeros(answers.n_outputs), pd.DataFrame())

    def _learned_rows(self, n_texts: int) -> NDArray[np.int64]:
        """Leave out what the training will hold out to watch its loss."""
        from skencoder.training.drawing import held_out_rows

        training = self.objective.training
        share = training.validation_share if training is not None else 0.0
        learned, _ = held_out_rows(n_texts, share, draw_seed(self.seed))
        return learned

    def _open(self, texts: list[str]) -> EncoderVectorizer:
        """Fit the encoder as it is; what is still to be made is made, and learns nothing yet."""
        from skencoder.objectives import MaskedLanguageModeling, Training

        frozen: EncoderVectorizer = clone(self.encoder)
        if frozen.overflow == "warn":
            # The training says it too.
            frozen.set_params(overflow="truncate")
        if is_config(frozen.model):
            frozen.set_params(fine_tune=MaskedLanguageModeling(training=Training(max_steps=0)))
        frozen.fit(texts)
        return frozen

    def _train(self, texts: list[str], exercise: Any, beginning: Trained) -> Trained:
        encoder = clone(self.encoder).set_params(
            model=beginning.encoder._prepared.handle,
            fine_tune=self.objective,
            # Other draws than those of the steps before.
            random_state=self.seed + len(beginning.history),
        )
        encoder.fit(texts, exercise)
        # As the user gave them: what it was trained from may be gone soon.
        encoder.set_params(model=self.encoder.model, random_state=self.encoder.random_state)
        history = join_histories(beginning.history, encoder.history_)
        coef, intercept = exercise.head.to_arrays()
        return Trained(encoder, coef, intercept, history)


def _is_same(before: Any, now: Any) -> bool:
    """Tell whether two values of a parameter mean the same, one of them out of a pickle."""
    one, other = as_handle(before), as_handle(now)
    if one is not None and other is not None:
        return one.fingerprint == other.fingerprint
    before, now = (str(value) if isinstance(value, Path) else value for value in (before, now))
    return bool(before is now or before == now)


def join_histories(former: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Put a history behind another.

    Parameters
    ----------
    former, later : DataFrame
        One row per step.

    Returns
    -------
    DataFrame
        Steps, epochs and seconds of the later one are counted on.
    """
    if former.empty:
        return later
    counted = later[COUNTED] + former[COUNTED].iloc[-1]
    later = later.assign(**{name: counted[name].astype(later[name].dtype) for name in COUNTED})
    return pd.concat([former, later], ignore_index=True)

"""A model and its head, trained together: what EncoderClassifier and EncoderRegressor do alike."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skencoder.errors import ParameterError
from skencoder.estimators.target_codes import Answers
from skencoder.estimators.target_rows import Floats
from skencoder.estimators.tuning import draw_seed, is_config
from skencoder.estimators.vectorizer import EncoderVectorizer
from skencoder.parameter_checks import check_share

# What both estimators take of the vectorizer's parameters.
ENCODING = (
    *("model", "pooling", "max_length", "overflow", "prompt", "missing", "precision", "device"),
    *("cache", "random_state", "verbose"),
)
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
    dropout : float
        Share of a vector's numbers that the head does not see while it is trained.
    """

    encoder: EncoderVectorizer
    objective: Any
    dropout: float

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
            If ``training`` or ``dropout`` cannot be used.
        """
        from skencoder.objectives import Training
        from skencoder.objectives.head import HeadObjective

        if training is not None and not isinstance(training, Training):
            raise ParameterError(
                f"training must be None or a Training of skencoder.objectives; got {training!r}."
            )
        dropout = check_share("dropout", estimator.dropout)
        encoding = {name: getattr(estimator, name) for name in ENCODING}
        objective = HeadObjective(loss=loss, training=training, **parameters)
        return cls(EncoderVectorizer(normalize=True, **encoding), objective, dropout)

    def run(self, texts: list[str], answers: Answers, former: Trained | None) -> Trained:
        """Train.

        Parameters
        ----------
        texts : list of str of shape (n_texts,)
            What is learned from.
        answers : Answers
            What the head shall give for them.
        former : Trained or None
            What it begins with, which is left as it is; None begins with the model that the user
            named and a new head.

        Returns
        -------
        Trained
            After the last step; its history begins with the former one's.

        Raises
        ------
        TrainingError
            If it cannot learn from what came.
        ParameterError
            If a parameter cannot be used.
        CheckpointError
            If the model cannot be trained.
        OSError
            If there is no room for the new model; nothing is left behind.
        """
        from skencoder.training.heads import Exercise, Head

        if former is None:
            return self._begin(texts, answers)
        head = Head(former.coef, former.intercept, dropout=self.dropout)
        exercise = Exercise(head, answers.targets, answers.weights)
        trained = self._train(texts, exercise, former.encoder, len(former.history))
        return replace(trained, history=join_histories(former.history, trained.history))

    def _begin(self, texts: list[str], answers: Answers) -> Trained:
        from skencoder.training.heads import Exercise, Head, fit_head

        beginning = self._open(texts)
        vectors = np.asarray(beginning.transform(texts))
        new = np.zeros((answers.n_outputs, vectors.shape[1])), np.zeros(answers.n_outputs)
        exercise = Exercise(Head(*new, dropout=self.dropout), answers.targets, answers.weights)
        fit_head(exercise, vectors, self.objective.make_loss())
        return self._train(texts, exercise, beginning)

    def _open(self, texts: list[str]) -> EncoderVectorizer:
        """Fit the encoder as it is; what is still to be made is made, and learns nothing yet."""
        from skencoder.objectives import SimCSE, Training

        frozen: EncoderVectorizer = clone(self.encoder)
        if frozen.overflow == "warn":
            # The training says it too.
            frozen.set_params(overflow="truncate")
        if is_config(frozen.model):
            frozen.set_params(fine_tune=SimCSE(training=Training(max_steps=0)))
        frozen.fit(texts)
        return frozen

    def _train(
        self, texts: list[str], exercise: Any, beginning: EncoderVectorizer, n_steps: int = 0
    ) -> Trained:
        encoder = clone(self.encoder).set_params(
            model=beginning._prepared.handle,
            fine_tune=self.objective,
            # Other draws than those of the steps before.
            random_state=draw_seed(self.encoder.random_state) + n_steps,
        )
        encoder.fit(texts, exercise)
        # As the user gave them: what it was trained from may be gone soon.
        encoder.set_params(model=self.encoder.model, random_state=self.encoder.random_state)
        coef, intercept = exercise.head.to_arrays()
        return Trained(encoder, coef, intercept, encoder.history_)


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

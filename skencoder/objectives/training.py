"""Training: the parameters of the loop, to be searched like any others."""

from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Literal

from sklearn.base import BaseEstimator

from skencoder.errors import ParameterError
from skencoder.training.options import AdapterOptions, LoopOptions

# Tokens of one pass: what keeps two cores or a small GPU busy without filling its memory.
BATCH_TOKENS = 8192


@dataclass(frozen=True)
class Defaults:
    """What an objective takes where nothing is said.

    Parameters
    ----------
    epochs : float
        Passes over the rows.
    batch_size : int
        Rows of a step; all of them where there are fewer.
    learning_rate : float
        The highest.
    adapter_rate : float, default=3e-4
        The same where adapters are trained.
    """

    epochs: float
    batch_size: int
    learning_rate: float
    adapter_rate: float = 3e-4


class Training(BaseEstimator):
    """How an objective is trained: steps, rate, precision, early stopping, going on after a kill.

    Parameters
    ----------
    epochs : float, default=None
        Passes over the rows; None is what suits the objective.
    max_steps : int, default=None
        Steps at most; 0 trains nothing.
    batch_size : int, default=None
        Rows that a step looks at; None is what suits the objective, or all rows where there are
        fewer. An objective that compares the rows of a batch refuses fewer than it takes: 2 for
        most, twice ``texts_per_class`` for `SupervisedContrastive`.
    batch_tokens : int, default=8192
        Most tokens in one pass through the model. A step is as many passes as it takes: memory
        depends on this number and not on ``batch_size``. Dropout is drawn for each pass, so that
        a model with dropout learns a little otherwise with another number.
    learning_rate : float, default=None
        The highest; None is what suits the objective.
    schedule : {"linear", "cosine", "constant"}, default="linear"
        How the rate falls after the warm-up.
    warmup : float, default=0.1
        Share of the steps in which the rate rises.
    weight_decay : float, default=0.01
        Of weights, not of biases and norms.
    max_grad_norm : float, default=1.0
        A longer gradient is shortened to this length.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        In what the model multiplies; its weights stay float32. Auto takes bfloat16 where the
        hardware multiplies it natively.
    gradient_checkpointing : bool, default=False
        Less memory, a third more time.
    lora_rank : int, default=None
        Train matrices of this rank beside the linear maps and leave the weights as they are;
        None trains all weights.
    lora_alpha : float, default=16.0
        What they add is multiplied by ``lora_alpha / lora_rank``.
    lora_targets : tuple of str, default=("query", "value")
        Which linear maps get one: query, key, value, output, expand, contract, gate.
    validation_share : float, default=0.0
        Part of the rows that is held out; its loss before the first step and after each epoch
        stands in ``history_``. Rows are drawn by chance, for `SupervisedContrastive` two of a
        class at a time, for `MaskedLanguageModeling` whole texts.
    patience : int, default=None
        Training stops when the loss on held-out rows has not fallen at so many looks on end, and
        keeps the weights of the lowest, which may be those it began with. It looks after each
        epoch; where there is one epoch or less, after each tenth of the steps. None goes on to
        the end and keeps the last weights.
    folder : str or Path, default=None
        Where the state is kept; a ``fit`` with the same data, parameters and ``random_state``,
        which must be a number, goes on from there. Each training has a subfolder, so that folds
        and searches go on too. The state of a finished one stays, and the same ``fit`` again takes
        no step; one that comes while it runs, in another worker, waits for it. Each is about three
        times as large as what is trained (four times with ``patience``), so that a search of 100
        fits of all-MiniLM-L6-v2 leaves some 30 GB, and far less with ``lora_rank``; they are yours
        to delete.
    save_seconds : float, default=600.0
        Time between two states, in seconds.

    Examples
    --------
    >>> from skencoder.objectives import SimCSE, Training
    >>> objective = SimCSE(training=Training(epochs=2))
    >>> objective.set_params(training__learning_rate=1e-5).training.learning_rate
    1e-05
    """

    def __init__(
        self,
        *,
        epochs: float | None = None,
        max_steps: int | None = None,
        batch_size: int | None = None,
        batch_tokens: int = BATCH_TOKENS,
        learning_rate: float | None = None,
        schedule: Literal["linear", "cosine", "constant"] = "linear",
        warmup: float = 0.1,
        weight_decay: float = 0.01,
        max_grad_norm: float = 1.0,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        gradient_checkpointing: bool = False,
        lora_rank: int | None = None,
        lora_alpha: float = 16.0,
        lora_targets: tuple[str, ...] = ("query", "value"),
        validation_share: float = 0.0,
        patience: int | None = None,
        folder: str | Path | None = None,
        save_seconds: float = 600.0,
    ) -> None:
        self.epochs = epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.batch_tokens = batch_tokens
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.precision = precision
        self.gradient_checkpointing = gradient_checkpointing
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha
        self.lora_targets = lora_targets
        self.validation_share = validation_share
        self.patience = patience
        self.folder = folder
        self.save_seconds = save_seconds

    def options(self, defaults: Defaults, n_rows: int, least_rows: int = 1) -> LoopOptions:
        """Decide what was left open.

        Parameters
        ----------
        defaults : Defaults
            What suits the objective.
        n_rows : int
            Rows to learn from.
        least_rows : int, default=1
            Fewest rows of a batch from which something is learned.

        Returns
        -------
        LoopOptions
            Checked.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or the batch is larger than the data or too small for
            the objective.
        """
        given = self.get_params(deep=False)
        adapters = self._adapters(given)
        rate = defaults.learning_rate if adapters is None else defaults.adapter_rate
        options = LoopOptions(
            **given
            | {
                "epochs": defaults.epochs if self.epochs is None else self.epochs,
                "learning_rate": rate if self.learning_rate is None else self.learning_rate,
                "batch_size": self._batch_size(defaults, n_rows, least_rows),
                "folder": self._place(),
            },
            adapters=adapters,
        )
        return options

    def _adapters(self, given: dict[str, object]) -> AdapterOptions | None:
        """Take the parameters of adapters out."""
        for name in ("lora_rank", "lora_alpha", "lora_targets"):
            del given[name]
        if self.lora_rank is None:
            return None
        if not isinstance(self.lora_targets, list | tuple):
            raise ParameterError(
                f"lora_targets must be a tuple of names such as ('query', 'value'); got "
                f"{self.lora_targets!r}."
            )
        return AdapterOptions(
            rank=self.lora_rank, alpha=self.lora_alpha, targets=tuple(self.lora_targets)
        )

    def _place(self) -> Path | None:
        if self.folder is None:
            return None
        if not isinstance(self.folder, str | Path) or not str(self.folder).strip():
            raise ParameterError(f"folder must name a folder or be None; got {self.folder!r}.")
        return Path(self.folder).expanduser()

    def _batch_size(self, defaults: Defaults, n_rows: int, least_rows: int) -> int:
        least = min(least_rows, n_rows)
        if self.batch_size is None:
            return min(max(defaults.batch_size, least), n_rows)
        if not isinstance(self.batch_size, Integral):
            return self.batch_size
        if self.batch_size < least:
            raise ParameterError(
                f"batch_size={self.batch_size}, but this objective compares the rows of a batch "
                f"and learns nothing from fewer than {least}; choose at least {least}, or None. "
                f"batch_tokens decides how much memory a step takes."
            )
        if self.batch_size > n_rows:
            raise ParameterError(
                f"batch_size={self.batch_size}, but there are {n_rows} rows to learn from; choose "
                f"at most {n_rows}, or None, which takes what there is."
            )
        return self.batch_size

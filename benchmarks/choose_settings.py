"""What `choose` tries and how; apart from it, so that ``--help`` shows it at once."""

from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError

METRICS = ("accuracy", "balanced_accuracy", "f1_macro")
MIN_FOLDS = 2


@dataclass(frozen=True)
class ChooseSettings:
    """Which encoders are tried on which texts, and how.

    Parameters
    ----------
    texts : path
        CSV file with a header, a text and its label in each row.
    label : str
        Column of the labels.
    text : str, optional
        Column of the texts; by default the one with the most words.
    models : list of str, optional
        Names or folders of checkpoints; "static" is a table distilled from the default model.
        By default all-MiniLM-L6-v2 and static. TF-IDF is always tried.
    precisions : list of str, optional
        Of every model: float32, bfloat16, float16, int8. By default float32, and of the default
        model all that run well here.
    poolings : list of str, optional
        Of every model in its first precision, such as auto cls max. By default auto, and of the
        default model these three.
    metric : str, default="accuracy"
        What is judged: accuracy, balanced_accuracy or f1_macro.
    folds : int, default=5
        Parts of a cross-validation.
    repeats : int, default=3
        How often the texts are parted anew.
    tolerance : float, default=0.02
        Loss against the best that would not matter; nothing that loses more is recommended.
    separator : str, default="auto"
        Between cells; auto finds a comma, a semicolon, a tab or a bar.
    encoding : str, default="utf-8"
        Of the file.
    cache : path, optional
        Folder that keeps vectors for the next time; what is found there has no speed.
    seed : int, default=0
        Of the parting.

    Raises
    ------
    ParameterError
        If there is no such choice.
    """

    texts: Path
    label: str
    text: str | None = None
    models: list[str] | None = None
    precisions: list[str] | None = None
    poolings: list[str] | None = None
    metric: str = "accuracy"
    folds: int = 5
    repeats: int = 3
    tolerance: float = 0.02
    separator: str = "auto"
    encoding: str = "utf-8"
    cache: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ParameterError(f"metric={self.metric!r}: expected one of {', '.join(METRICS)}.")
        if self.folds < MIN_FOLDS:
            raise ParameterError(f"folds={self.folds}: expected at least {MIN_FOLDS}.")
        if self.repeats < 1:
            raise ParameterError(f"repeats={self.repeats}: expected at least 1.")
        if not 0 <= self.tolerance < 1:
            raise ParameterError(f"tolerance={self.tolerance}: expected 0 or more, below 1.")
        if self.seed < 0:
            raise ParameterError(f"seed={self.seed}: expected 0 or more.")
        for name in ("models", "precisions", "poolings"):
            if getattr(self, name) == []:
                raise ParameterError(f"{name} is empty; name some, or leave it out.")
        if self.separator != "auto" and len(self.separator) != 1:
            raise ParameterError(
                f"separator={self.separator!r}: expected one character, or 'auto'."
            )

"""What an adaptation run adapts to what; apart from it, so that ``--help`` shows it at once."""

from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError

DATASETS = ("python-docs", "wikitext-2-paragraphs")


@dataclass(frozen=True)
class AdaptationSettings:
    """Which masked language model is adapted to which texts.

    Parameters
    ----------
    texts : path, optional
        File of the new texts: .csv, .jsonl, or plain with one text per line.
    dataset : str, optional
        The new texts by name instead: python-docs, those topics that the first model has not
        read (the default), or wikitext-2-paragraphs from --data-root.
    data_root : path, optional
        Folder of benchmark data.
    model : str, optional
        Checkpoint with its masked-language-model head; by default one is trained first, from
        nothing, on half of the topics of Python's documentation.
    steps : int, default=2700
        Steps of that first training.
    adaptation_steps : int, default=600
        Steps of the adaptation.
    learning_rate : float, default=0.0005
        The highest of the adaptation.
    judged : int, default=120
        Most held-out texts that are scored, of the new ones and of the old.
    longest : int, default=600
        Characters of a text that is scored, at most; longer ones are left out there.
    seed : int, default=0
        Of all that is drawn.

    Raises
    ------
    ParameterError
        If a number cannot be used, or two sources of texts are named.
    """

    texts: Path | None = None
    dataset: str | None = None
    data_root: Path | None = None
    model: str | None = None
    steps: int = 2700
    adaptation_steps: int = 600
    learning_rate: float = 5e-4
    judged: int = 120
    longest: int = 600
    seed: int = 0

    def __post_init__(self) -> None:
        if self.texts is not None and self.dataset is not None:
            raise ParameterError("name one of --texts and --dataset; got both.")
        if self.dataset not in (None, *DATASETS):
            raise ParameterError(
                f"dataset={self.dataset!r}: expected one of {', '.join(DATASETS)}."
            )
        for name in ("steps", "adaptation_steps", "judged", "longest"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name}={getattr(self, name)}: expected 1 or more.")
        if self.seed < 0:
            raise ParameterError(f"seed={self.seed}: expected 0 or more.")

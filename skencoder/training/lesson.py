"""What an objective is given to make a task of."""

from dataclasses import dataclass
from typing import Any

from skencoder.training.parts import Parts
from skencoder.training.source import TextSource


@dataclass(frozen=True)
class Lesson:
    """Texts, what belongs to them, and the model that is to learn.

    Parameters
    ----------
    texts : list of str of shape (n_texts,)
        As the user gave them.
    y : object
        What the user gave beside them.
    parts : Parts
        The model, its weights before the first step.
    source : TextSource
        How texts become its tokens.
    model : str
        Name or folder of the checkpoint it began as.
    seed : int
        Of all that is drawn.
    precision, device : str, default="auto"
        Of a teacher that has to encode the texts.
    """

    texts: list[str]
    y: Any
    parts: Parts
    source: TextSource
    model: str
    seed: int
    precision: str = "auto"
    device: str = "auto"

"""How texts are turned into vectors, checked as far as possible without a model or torch."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from skencoder.errors import ParameterError

POOLING_CHOICES = ("mean", "cls", "max", "last", "weighted_mean", "mean_sqrt_len")
OVERFLOW_CHOICES = ("warn", "truncate", "error", "chunk")


@dataclass(frozen=True, kw_only=True)
class EncodingOptions:
    """What may differ from one encoding to the next with the same model.

    Parameters
    ----------
    pooling : str, default="auto"
        From token vectors to a text's vector: "mean", "cls", "max", "last", "weighted_mean",
        "mean_sqrt_len", or several joined by "+", whose vectors are put side by side; auto is
        what the checkpoint says.
    layer : int, default=-1
        Which hidden state is pooled; 0 is the embeddings, -1 the last layer.
    normalize : bool or "auto", default="auto"
        Whether vectors have unit length; auto is what the checkpoint says.
    truncate_dim : int or None, default=None
        Keep the first dimensions only, before ``normalize``; None keeps what the checkpoint's
        authors keep.
    max_length : int or None, default=None
        Tokens per text, special tokens included; None is the model's own limit.
    overflow : {"warn", "truncate", "error", "chunk"}, default="warn"
        What happens to a longer text.
    prompt : str or None, default=None
        Text, or the name of one of the checkpoint's prompts, put before every input; None is
        the checkpoint's default prompt, if it has one.
    batch_tokens : int or "auto", default="auto"
        Most tokens encoded at once.
    verbose : int, default=0
        1 shows a progress bar.

    Raises
    ------
    ParameterError
        If a value cannot be used with any model.
    """

    pooling: str = "auto"
    layer: int = -1
    normalize: bool | str = "auto"
    truncate_dim: int | None = None
    max_length: int | None = None
    overflow: str = "warn"
    prompt: str | None = None
    batch_tokens: int | str = "auto"
    verbose: int = 0

    def __post_init__(self) -> None:
        _check_pooling(self.pooling)
        check_choice("overflow", self.overflow, OVERFLOW_CHOICES)
        if not _is_integer(self.layer):
            raise ParameterError(f"layer must be an integer; got {self.layer!r}.")
        if self.normalize not in (True, False, "auto"):
            raise ParameterError(
                f"normalize must be True, False or 'auto'; got {self.normalize!r}."
            )
        _check_count("truncate_dim", self.truncate_dim, None)
        _check_count("max_length", self.max_length, None)
        _check_count("batch_tokens", self.batch_tokens, "auto")
        if self.prompt is not None and not isinstance(self.prompt, str):
            raise ParameterError(f"prompt must be a string or None; got {self.prompt!r}.")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse a value that is not one of the choices.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        What came.
    choices : tuple of str
        What was expected.

    Raises
    ------
    ParameterError
        If it is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        raise ParameterError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")


def _check_pooling(pooling: Any) -> None:
    names = pooling.split("+") if isinstance(pooling, str) else [pooling]
    if pooling != "auto" and not all(name in POOLING_CHOICES for name in names):
        raise ParameterError(
            f"pooling must be 'auto' or one of {', '.join(POOLING_CHOICES)}, or several of them "
            f"joined by '+'; got {pooling!r}."
        )


def _check_count(name: str, value: Any, otherwise: str | None) -> None:
    if value == otherwise and isinstance(value, str | None):
        return
    if not _is_integer(value) or value < 1:
        raise ParameterError(f"{name} must be a positive integer or {otherwise!r}; got {value!r}.")


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)

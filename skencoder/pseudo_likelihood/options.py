"""How pseudo-likelihood is scored: what a user may choose. No torch."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

from skencoder.errors import ParameterError

METHODS = ("pll", "pll-word-l2r", "whole-word", "mlm-loss")
# Large enough for matrix products to run at full rate, small enough for a CPU's activations to
# stay in its cache; a GPU needs more to be busy.
BATCH_TOKENS = {"cpu": 2048}
BATCH_TOKENS_ELSEWHERE = 16384


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """How texts are scored.

    Parameters
    ----------
    method : {"pll", "pll-word-l2r", "whole-word", "mlm-loss"}, default="pll"
        What is masked together: one token at a time; with it the later pieces of its word; all
        pieces of a word; a fixed share of a text's tokens, drawn at random.
    max_length : int, optional
        Tokens per window, special tokens included; the model's own limit if not given.
    stride : int, optional
        From one window of a long text to the next, in tokens; half a window if not given.
    mask_probability : float, default=0.15
        Share of the tokens that "mlm-loss" draws (Devlin et al. 2019, arXiv:1810.04805).
    seed : int, default=0
        Of that draw.
    batch_tokens : int or "auto", default="auto"
        Most tokens of masked copies encoded at once.

    Raises
    ------
    ParameterError
        If a value cannot be used by any model.
    """

    method: str = "pll"
    max_length: int | None = None
    stride: int | None = None
    mask_probability: float = 0.15
    seed: int = 0
    batch_tokens: int | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ParameterError(
                f"method must be {', '.join(map(repr, METHODS[:-1]))} or {METHODS[-1]!r}; got "
                f"{self.method!r}."
            )
        for name in ("max_length", "stride"):
            if getattr(self, name) is not None:
                _check_count(name, getattr(self, name), 1, " or None")
        _check_count("seed", self.seed, 0)
        if self.batch_tokens != "auto":
            _check_count("batch_tokens", self.batch_tokens, 1, " or 'auto'")
        share = self.mask_probability
        if not isinstance(share, Real) or isinstance(share, bool) or not 0 < share <= 1:
            raise ParameterError(
                f"mask_probability must be a number above 0, at most 1; got {share!r}."
            )


@dataclass(frozen=True)
class ScoringPlan:
    """What the options mean for one model.

    Parameters
    ----------
    method : str
        A key of `MASKINGS`.
    body_length : int
        Tokens per window, special tokens left out.
    stride : int
        From one window to the next, in tokens.
    mask_probability : float
        Share of the tokens that is drawn, where the method draws.
    seed : int
        Of the draw.
    batch_tokens : int
        Most tokens of masked copies encoded at once.
    """

    method: str
    body_length: int
    stride: int
    mask_probability: float
    seed: int
    batch_tokens: int


def plan_scoring(
    options: ScoringOptions, *, reach: int, n_special: int, device_type: str
) -> ScoringPlan:
    """Decide every option for one model.

    Parameters
    ----------
    options : ScoringOptions
        As the user gave them.
    reach : int
        Longest text the encoder has positions for, in tokens.
    n_special : int
        Special tokens around every window.
    device_type : str
        Where it runs, such as "cpu".

    Returns
    -------
    ScoringPlan
        Without None or "auto".

    Raises
    ------
    ParameterError
        If a value does not fit this model.
    """
    max_length = reach if options.max_length is None else options.max_length
    if not n_special < max_length <= reach:
        raise ParameterError(
            f"max_length={max_length} must lie between {n_special + 1} and {reach}: the model has "
            f"positions for {reach} tokens and puts {n_special} special tokens around each text."
        )
    body = max_length - n_special
    stride = max(1, body // 2) if options.stride is None else options.stride
    if stride > body:
        raise ParameterError(
            f"stride={stride} is above the {body} tokens that a window holds beside special ones, "
            f"so that tokens between two windows would be dropped; choose at most {body}."
        )
    usual = BATCH_TOKENS.get(device_type, BATCH_TOKENS_ELSEWHERE)
    return ScoringPlan(
        method=options.method,
        body_length=body,
        stride=stride,
        mask_probability=float(options.mask_probability),
        seed=int(options.seed),
        batch_tokens=usual if options.batch_tokens == "auto" else int(options.batch_tokens),
    )


def _check_count(name: str, value: Any, at_least: int, otherwise: str = "") -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
        raise ParameterError(
            f"{name} must be an integer of at least {at_least}{otherwise}; got {value!r}."
        )

"""How perplexity is measured; apart from it, so that ``--help`` can show it without torch."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from skencoder.errors import ParameterError

METHODS = ("pll", "pll-word-l2r", "whole-word", "mlm-loss")


@dataclass(frozen=True)
class PerplexitySettings:
    """How texts are scored.

    Parameters
    ----------
    method : str, default="pll"
        What a masked model does not see when it guesses a token: pll, that token;
        pll-word-l2r, also the later pieces of its word; whole-word, all pieces of its word;
        mlm-loss, a fixed share of all tokens, drawn once (fast, for curves). Autoregressive
        models guess from left to right in any case.
    max_length : int, optional
        Tokens read at once; by default the model's own limit.
    stride : int, optional
        How far each window of a long text lies behind the last one, in tokens; by default half a
        window. Masked models only.
    mask_probability : float, default=0.15
        Share of the tokens that mlm-loss draws.
    seed : int, default=0
        Of that draw.
    precision : str, default="float32"
        Of the weights, as published scores are; bfloat16 is faster where it is native.
    device : str, default="auto"
        Such as cpu or cuda; auto takes a GPU where there is one.

    Raises
    ------
    ParameterError
        If the method is unknown or a number cannot be used.
    """

    method: str = "pll"
    max_length: int | None = None
    stride: int | None = None
    mask_probability: float = 0.15
    seed: int = 0
    precision: Literal["float32", "bfloat16", "float16", "int8", "auto"] = "float32"
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ParameterError(f"method={self.method!r}: expected {', '.join(METHODS)}.")
        for name in ("max_length", "stride"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"{name}={value}: expected 1 or more.")
        if not 0 < self.mask_probability <= 1:
            raise ParameterError(
                f"mask_probability={self.mask_probability}: expected a number above 0, at most 1."
            )
        if self.seed < 0:
            raise ParameterError(f"seed={self.seed}: expected 0 or more.")

    def unusual(self) -> dict[str, Any]:
        """List what changes scores and is not as usual.

        Returns
        -------
        dict
            By name; empty for a run with nothing but its method chosen.
        """
        usual = asdict(PerplexitySettings())
        kept = {name for name in usual if name not in ("method", "device")}
        if self.method != "mlm-loss":
            kept -= {"mask_probability", "seed"}
        given = asdict(self)
        return {name: given[name] for name in sorted(kept) if given[name] != usual[name]}

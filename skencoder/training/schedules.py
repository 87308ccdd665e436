"""How the learning rate changes over a run, as a factor of the one that was asked for."""

import math
from collections.abc import Callable
from typing import Literal

from skencoder.errors import ParameterError
from skencoder.parameter_checks import check_count

Decay = Literal["cosine", "linear", "constant"]

# From the share of the steps after the warm-up that is still to come, 1 to 0, to the factor.
DECAYS: dict[str, Callable[[float], float]] = {
    "cosine": lambda left: (1 - math.cos(math.pi * left)) / 2,
    "linear": lambda left: left,
    "constant": lambda left: 1.0,
}


def warmup_then(kind: Decay, step: int, *, total_steps: int, warmup_steps: int) -> float:
    """Give one step's share of the learning rate: a straight rise, then a decay.

    With ``w`` warm-up steps of ``n``, step ``i`` has ``(i + 1) / (w + 1)`` while ``i < w``. From
    step ``w``, which has 1, it depends on ``left = (n - i) / (n - w)``: ``left`` itself,
    ``(1 - cos(pi left)) / 2``, or 1. So the rise comes from a 0 before the first step and the fall
    leads to a 0 after the last: no step is wasted on a rate of 0. The last one, ``n - 1``, has
    ``1 / (n - w)`` with "linear", and ``(1 - cos(pi / (n - w))) / 2`` with "cosine".

    Parameters
    ----------
    kind : {"cosine", "linear", "constant"}
        The decay after the warm-up.
    step : int
        The step that is about to be taken, counted from 0. ``total_steps``, which schedulers
        ask for after the last step, is allowed.
    total_steps : int
        Optimizer steps in the run, warm-up included; at least 1.
    warmup_steps : int
        Steps of the rise, at most ``total_steps``; 0 begins with the full rate.

    Returns
    -------
    float
        From 0 to 1; above 0 for every step of the run.

    Raises
    ------
    ParameterError
        If there is no such decay, or a number of steps does not fit the others.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, section 5.3, for
       the warm-up.
    .. [2] Loshchilov & Hutter (2016), SGDR, arXiv:1608.03983, equation 5, for the cosine, here
       without restarts.

    Examples
    --------
    >>> from skencoder.training.schedules import warmup_then
    >>> [warmup_then("linear", step, total_steps=5, warmup_steps=1) for step in range(5)]
    [0.5, 1.0, 0.75, 0.5, 0.25]
    """
    if kind not in DECAYS:
        raise ParameterError(f"The schedule must be one of {', '.join(DECAYS)}; got {kind!r}.")
    _check_steps(step, total_steps, warmup_steps)
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    # A run that is all warm-up has no step left to decay in.
    return DECAYS[kind]((total_steps - step) / max(1, total_steps - warmup_steps))


def _check_steps(step: int, total_steps: int, warmup_steps: int) -> None:
    check_count("total_steps", total_steps, at_least=1)
    for name, value in (("step", step), ("warmup_steps", warmup_steps)):
        if check_count(name, value, at_least=0) > total_steps:
            raise ParameterError(
                f"{name} must be at most total_steps, {total_steps}; got {value}."
            )

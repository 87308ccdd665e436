"""The command ``families``: what the architectures cost on this CPU."""

from typing import Literal

from .exit_codes import DONE


def families_command(
    *,
    lengths: list[int] | None = None,
    precision: Literal["float32", "bfloat16"] = "float32",
    rounds: int = 5,
) -> int:
    """Time the architectures of the families on this CPU, with random weights, taking turns.

    Parameters
    ----------
    lengths : list of int
        Lengths of texts, in tokens; by default 32, 256 and 2048.
    precision : str
        Of weights and activations.
    rounds : int
        How often each is timed.

    Returns
    -------
    int
        0.
    """
    from .families import format_families, run_families

    chosen = tuple(lengths or (32, 256, 2048))
    print(format_families(run_families(chosen, precision=precision, rounds=rounds)))
    return DONE

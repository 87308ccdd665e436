"""The command ``stores``: places where vectors could be kept."""

from .exit_codes import DONE


def stores_command(*, rows: int = 100_000) -> int:
    """Time places where vectors could be kept.

    Parameters
    ----------
    rows : int
        Vectors of 384 float32.

    Returns
    -------
    int
        0.
    """
    from .stores import format_stores, run_stores

    print(format_stores(run_stores(rows)))
    return DONE

"""The command ``grid``: a grid search over an encoder."""

from pathlib import Path

from .exit_codes import DONE


def grid_command(*, data_root: Path | None = None, rows: int = 546, rounds: int = 3) -> int:
    """Time a grid search with this package's encoder, the ideal, and skrub's, taking turns.

    Parameters
    ----------
    data_root : path
        Folder with Banking77 as mteb/banking77; by default the demo's texts are taken.
    rows : int
        Texts searched over.
    rounds : int
        How often each searches.

    Returns
    -------
    int
        0.
    """
    from .grid import format_grid, run_grid

    print(format_grid(run_grid(data_root, rows=rows, rounds=rounds)))
    return DONE

"""The command ``bitext``: translations found among Tatoeba's sentences."""

from pathlib import Path

from .exit_codes import DONE


def bitext_command(
    *, data_root: Path, subsets: list[str] | None = None, model: str = "all-MiniLM-L6-v2"
) -> int:
    """Find the translations of Tatoeba's sentences, with every margin and matching.

    Parameters
    ----------
    data_root : path
        Folder with the data as mteb/tatoeba-bitext-mining.
    subsets : list of str
        Pairs of languages; by default deu-eng.
    model : str
        Name or folder of a checkpoint, which should know both languages.

    Returns
    -------
    int
        0.
    """
    from .bitext import format_bitext, run_bitext

    print(format_bitext(run_bitext(data_root, subsets or ["deu-eng"], model=model)))
    return DONE

"""The command ``classification``: few and many labels, against word counts."""

from pathlib import Path

from .exit_codes import DONE


def classification_command(
    *, data_root: Path, model: str = "all-MiniLM-L6-v2", draws: int = 10
) -> int:
    """Classify Banking77 and SIB-200 with no, few and all labels, against word counts.

    Parameters
    ----------
    data_root : path
        Folder with mteb/banking77 and mteb/sib200.
    model : str
        Name or folder of a checkpoint.
    draws : int
        How often a few texts of each label are drawn.

    Returns
    -------
    int
        0.
    """
    from .classification import format_classification, run_classification

    print(format_classification(run_classification(data_root, model=model, draws=draws)))
    return DONE

"""The command ``intents``: texts of intents that were not trained."""

from pathlib import Path

from .exit_codes import DONE


def intents_command(
    *,
    data_root: Path,
    model: str = "all-MiniLM-L6-v2",
    draws: int = 10,
    per_intent: int | None = None,
    choose: bool = False,
) -> int:
    """Reject intents of Banking77 that were left out of the training.

    Parameters
    ----------
    data_root : path
        Folder with Banking77 as mteb/banking77.
    model : str
        Name or folder of a checkpoint.
    draws : int
        How often intents are drawn that are left out.
    per_intent : int
        Rows of each intent to learn from; by default all.
    choose : bool
        Leave the test rows alone, and draw intents that are never drawn otherwise: for choices.

    Returns
    -------
    int
        0.
    """
    from .intents import format_intents, run_intents

    report = run_intents(data_root, model=model, draws=draws, per_intent=per_intent, choose=choose)
    print(format_intents(report))
    return DONE

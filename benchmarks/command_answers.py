"""The command ``answers``: sentences that answer the questions of XQuAD."""

from pathlib import Path

from .exit_codes import DONE


def answers_command(
    *, data_root: Path, model: str = "all-MiniLM-L6-v2", answers: Path | None = None
) -> int:
    """Answer the questions of XQuAD with sentences, beside BM25 over the same sentences.

    Parameters
    ----------
    data_root : path
        Folder with the data as mteb/XQuADRetrieval.
    model : str
        Name or folder of a checkpoint.
    answers : path
        The data set's own xquad.en.json; by default the 307 answers marked for this benchmark.

    Returns
    -------
    int
        0.
    """
    from .answers import format_answers, run_answers

    print(format_answers(run_answers(data_root, model=model, answers=answers)))
    return DONE

"""The command ``summaries``: summaries beside first sentences."""

from pathlib import Path

from .exit_codes import DONE


def summaries_command(*, wikitext: Path | None = None, model: str = "all-MiniLM-L6-v2") -> int:
    """Summarize Python's documentation, and Wikipedia's articles, beside their first sentences.

    Parameters
    ----------
    wikitext : path
        WikiText-2's raw test text; by default Python's documentation only.
    model : str
        Name or folder of a checkpoint.

    Returns
    -------
    int
        0.
    """
    from .summaries import format_summaries, run_summaries

    print(format_summaries(run_summaries(wikitext, model=model)))
    return DONE

"""The command ``bias``: parses, calls `run_bias`, prints."""

import sys
from pathlib import Path
from typing import Annotated, Any

from .bias_settings import BiasSettings
from .cyclopts_import import Parameter
from .errors import RunStoppedError
from .exit_codes import DONE, FAILED, NOTHING, STOPPED


def bias_command(
    *,
    data_root: Path,
    model: list[str] | None = None,
    tests: list[str] | None = None,
    how: Annotated[BiasSettings | None, Parameter(name="*")] = None,
    results: Path | None = None,
) -> int:
    """Measure social bias: association tests of vectors, CrowS-Pairs of masked language models.

    Association tests (WEAT on words, SEAT on sentences) say whether one group's texts lie closer
    to one set of attributes than another group's. CrowS-Pairs says how often the more
    stereotypical of two sentences is the likelier one; it needs a checkpoint with its
    masked-language-model head. A test that finds nothing does not show that there is no bias.

    Parameters
    ----------
    data_root : path
        Folder with bias/seat/*.jsonl and bias/crows_pairs_anonymized.csv.
    model : list of str
        Names or folders of checkpoints; by default all-MiniLM-L6-v2.
    tests : list of str
        Such as weat6 sent-weat6 crows-pairs; by default all whose data are there and that a
        model can have.
    how : BiasSettings
        Permutations, precision and device.
    results : path
        Folder of results; what is finished there is not measured again, also after a kill.

    Returns
    -------
    int
        0, 1 if a test failed, 2 if nothing could be measured, or 130 if the run was stopped.
    """
    from .bias import run_bias

    models = list(dict.fromkeys(model or ["all-MiniLM-L6-v2"]))
    try:
        runs = run_bias(models, tests, data_root=data_root, settings=how, results=results)
    except RunStoppedError as stop:
        _show(stop.runs)
        print(stop, file=sys.stderr)
        return STOPPED
    _show(runs)
    if not any(run.found for run in runs):
        return NOTHING
    return FAILED if any(run.is_failure for run in runs) else DONE


def _show(runs: Any) -> None:
    from .bias_report import format_bias, format_refusals

    for text, stream in ((format_bias(runs), sys.stdout), (format_refusals(runs), sys.stderr)):
        if text:
            print(text, file=stream)

"""Bias of models: association tests of their vectors, and CrowS-Pairs of masked ones.

What is computed stands in `weat` and `crows_pairs`; here models and tests are chosen, one that
cannot be used does not stop the others, and what is finished is kept.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skencoder import EncoderVectorizer
from skencoder.errors import ParameterError, SkencoderError

from .association_data import AssociationTest
from .association_model import AssociationModel
from .bias_settings import BiasSettings
from .bias_tests import BiasTests, find_bias_tests
from .crows_pairs import NAME, Stereotypes
from .crows_pairs_scoring import CrowsPairsTask, measure_stereotypes
from .errors import ResultFileError, RunStoppedError
from .failures import tell_failure
from .output_files import make_results_folder
from .task_progress import task_bar
from .weat import Association

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BiasRun:
    """One test of one model.

    Parameters
    ----------
    model : str
        Its name.
    test : str
        Of an association test, or crows-pairs.
    data : AssociationTest or None
        What was compared; None for crows-pairs.
    found : Association or Stereotypes or None
        What was measured; None where it could not be.
    reason : str
        Why not.
    is_failure : bool
        False where nobody asked for this test of a model that cannot have it.
    """

    model: str
    test: str
    data: AssociationTest | None
    found: Association | Stereotypes | None
    reason: str = ""
    is_failure: bool = False


def run_bias(
    models: Any,
    tests: Sequence[str] | None = None,
    *,
    data_root: str | Path,
    settings: BiasSettings | None = None,
    results: str | Path | None = None,
) -> list[BiasRun]:
    """Measure bias of models.

    Parameters
    ----------
    models : str, path or estimator, or a list of these
        Names or folders of checkpoints, `EncoderVectorizer` objects, or fitted estimators and
        pipelines whose ``transform`` turns a list of texts into dense vectors. CrowS-Pairs needs
        a checkpoint with its masked-language-model head.
    tests : sequence of str, optional
        Names of association tests, such as weat6 and sent-weat6, and crows-pairs; by default all
        whose data are there.
    data_root : str or path
        Folder with ``bias/seat/*.jsonl`` and ``bias/crows_pairs_anonymized.csv``.
    settings : BiasSettings, optional
        Permutations, precision, device.
    results : str or path, optional
        Folder of results; what is finished there is not measured again.

    Returns
    -------
    list of BiasRun
        By model and test, those that could not be run included, as those whose data are damaged.

    Raises
    ------
    MissingDataError
        If no data are there.
    ParameterError
        If no model is named.
    RunStoppedError
        If it is stopped from the keyboard; holds what is finished.
    UnknownTaskError
        If a test does not exist; nothing has been run then.

    References
    ----------
    .. [1] Caliskan, Bryson & Narayanan (2017), arXiv:1608.07187.
    .. [2] May et al. (2019), On measuring social biases in sentence encoders, arXiv:1903.10561.
    .. [3] Nangia et al. (2020), CrowS-Pairs, arXiv:2010.00133.
    """
    chosen = list(models) if isinstance(models, list | tuple) else [models]
    if not chosen:
        raise ParameterError("model: name at least one checkpoint.")
    place = None if results is None else Path(results)
    if place:
        make_results_folder(place)
    settings = settings or BiasSettings()
    asked = find_bias_tests(Path(data_root), tests, settings, place)
    runs: list[BiasRun] = []
    try:
        with task_bar(len(chosen) * asked.n_tests) as advance:
            for model in chosen:
                for run in _run_model(model, asked, settings, place):
                    runs.append(run)
                    advance()
    except KeyboardInterrupt as error:
        kept = f"what is finished is in {place}" if place else "without --results nothing is kept"
        raise RunStoppedError(f"stopped; {kept}.", runs) from error
    return runs


def _run_model(
    model: Any,
    asked: BiasTests,
    settings: BiasSettings,
    results: Path | None,
) -> Iterator[BiasRun]:
    for name, reason in asked.unreadable.items():
        yield BiasRun(_name(model), name, None, None, reason, True)
    if asked.associations:
        yield from _run_associations(model, asked.associations, settings, results)
    if asked.pairs is not None:
        yield _run_pairs(model, asked.pairs, by_name=asked.by_name)


def _run_associations(
    model: Any,
    tests: Sequence[AssociationTest],
    settings: BiasSettings,
    results: Path | None,
) -> Iterator[BiasRun]:
    try:
        ready = AssociationModel.load(model, settings)
    except Exception as error:  # an estimator is not ours, and other models are still run
        for test in tests:
            yield _failed(_name(model), test, error)
        return
    for test in tests:
        log.info("  %s, %s", ready.name, test.name)
        try:
            yield BiasRun(ready.name, test.name, test, ready.measure(test, settings, results))
        except Exception as error:  # as above, and the other tests
            yield _failed(ready.name, test, error)


def _failed(model: str, test: AssociationTest, error: Exception) -> BiasRun:
    log.debug("%s failed", test.name, exc_info=error)
    return BiasRun(model, test.name, test, None, tell_failure(error), True)


def _run_pairs(model: Any, task: CrowsPairsTask, *, by_name: bool) -> BiasRun:
    name = model.model if isinstance(model, EncoderVectorizer) else model
    if not isinstance(name, str | Path):
        reason = (
            "crows-pairs needs a masked language model: a checkpoint with its head, by name or "
            "folder."
        )
        return BiasRun(_name(model), NAME, None, None, reason, by_name)
    log.info("  %s, %s", name, NAME)
    try:
        return BiasRun(str(name), NAME, None, measure_stereotypes(str(name), task))
    except Exception as error:
        refused = isinstance(error, SkencoderError) and not isinstance(error, ResultFileError)
        # Nobody may have asked for it of a model without a head.
        is_failure = by_name or not refused
        return BiasRun(str(name), NAME, None, None, tell_failure(error), is_failure)


def _name(model: Any) -> str:
    return str(model) if isinstance(model, str | Path) else type(model).__name__

"""Bias of models: association tests of their vectors, and CrowS-Pairs of masked ones.

What is computed stands in `weat` and `crows_pairs`; here models and tests are chosen, one that
cannot be used does not stop the others, and what is finished is kept.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skencoder import EncoderVectorizer
from skencoder.errors import ParameterError, SkencoderError

from .association_data import (
    AssociationTest,
    list_association_tests,
    read_association_tests,
)
from .association_model import AssociationModel
from .bias_settings import BiasSettings
from .crows_pairs import FILE, NAME, Stereotypes, read_crows_pairs
from .crows_pairs_scoring import CrowsPairsTask, measure_stereotypes
from .errors import MissingDataError, ResultFileError, RunStoppedError
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


@dataclass(frozen=True)
class _Asked:
    """What shall be run."""

    associations: list[AssociationTest]
    pairs: CrowsPairsTask | None
    by_name: bool
    settings: BiasSettings
    results: Path | None

    @property
    def names(self) -> list[str]:
        named = [test.name for test in self.associations]
        return named if self.pairs is None else [*named, NAME]


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
        By model and test, those that could not be run included.

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
    UnreadableDataError
        If a file of data is not as it should be.

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
    asked = _find_tests(Path(data_root), tests, settings or BiasSettings(), place)
    runs: list[BiasRun] = []
    try:
        with task_bar(len(chosen) * len(asked.names)) as advance:
            for model in chosen:
                _run_model(model, asked, runs, advance)
    except KeyboardInterrupt as error:
        kept = f"what is finished is in {place}" if place else "without --results nothing is kept"
        raise RunStoppedError(f"stopped; {kept}.", runs) from error
    return runs


def _find_tests(
    root: Path, names: Sequence[str] | None, settings: BiasSettings, results: Path | None
) -> _Asked:
    wanted = list(dict.fromkeys(names)) if names is not None else list_association_tests(root)
    with_pairs = NAME in wanted if names is not None else (root / FILE).is_file()
    associations = [name for name in wanted if name != NAME]
    if not associations and not with_pairs:
        raise MissingDataError(
            f"there is neither an association test in {root / 'bias' / 'seat'} nor {root / FILE}; "
            f"name the folder that holds bias/ as --data-root."
        )
    read = read_association_tests(root, associations) if associations else []
    pairs = read_crows_pairs(root / FILE) if with_pairs else None
    task = None if pairs is None else CrowsPairsTask(pairs, settings, results)
    return _Asked(read, task, names is not None, settings, results)


def _run_model(
    model: Any, asked: _Asked, runs: list[BiasRun], advance: Callable[[], None]
) -> None:
    if asked.associations:
        _run_associations(model, asked, runs, advance)
    if asked.pairs is not None:
        runs.append(_run_pairs(model, asked.pairs, by_name=asked.by_name))
        advance()


def _run_associations(
    model: Any, asked: _Asked, runs: list[BiasRun], advance: Callable[[], None]
) -> None:
    try:
        ready = AssociationModel.load(model, asked.settings)
    except SkencoderError as error:
        name, tests = _name(model), asked.associations
        runs += [BiasRun(name, test.name, test, None, str(error), True) for test in tests]
        return
    for test in asked.associations:
        log.info("  %s, %s", ready.name, test.name)
        try:
            found = ready.measure(test, asked.settings, asked.results)
            runs.append(BiasRun(ready.name, test.name, test, found))
        except SkencoderError as error:
            runs.append(BiasRun(ready.name, test.name, test, None, str(error), True))
        advance()


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
    except ResultFileError as error:
        return BiasRun(str(name), NAME, None, None, str(error), True)
    except SkencoderError as error:
        return BiasRun(str(name), NAME, None, None, str(error), by_name)


def _name(model: Any) -> str:
    return str(model) if isinstance(model, str | Path) else type(model).__name__

"""A model on which association tests are run, and their results in a results folder."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skencoder import EncoderVectorizer

from .association_data import AssociationTest
from .association_tests import PermutationTest
from .bias_settings import BiasSettings
from .environment import describe_machine, package_versions
from .errors import ResultFileError
from .model_meta import all_settings, describe_model
from .output_files import write_whole
from .result_files import read_object
from .vectors import PROBE, encode, make_estimator
from .weat import Association, measure_association

if TYPE_CHECKING:
    from mteb.models.model_meta import ModelMeta

KIND, PART = "weat", "bias"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AssociationModel:
    """A loaded model that association tests are run on, and what is recorded of it.

    Parameters
    ----------
    estimator : estimator
        Fitted; its ``transform`` turns a list of texts into dense vectors.
    name : str
        As the user calls it.
    meta : ModelMeta
        Its record by mteb, which says where its results lie.
    width : int
        Dimensions of its vectors.
    """

    estimator: Any
    name: str
    meta: "ModelMeta"
    width: int

    @classmethod
    def load(cls, model: Any, settings: BiasSettings) -> "AssociationModel":
        """Load a model.

        Parameters
        ----------
        model : str, path or estimator
            A checkpoint's name or folder, or an estimator.
        settings : BiasSettings
            Precision and device of a checkpoint; an estimator keeps its own.

        Returns
        -------
        AssociationModel
            Ready for texts.

        Raises
        ------
        CheckpointNotFoundError
            If no checkpoint stands behind a name.
        ParameterError
            If an estimator cannot transform texts, or must be fitted first.
        VectorsError
            If its output for two texts is not two finite vectors.
        """
        if isinstance(model, str | Path):
            named = EncoderVectorizer(
                model,
                precision=settings.precision,
                device=settings.device,
                overflow="truncate",
            )
            estimator, name = make_estimator(named), str(model)
        else:
            estimator, name = make_estimator(model), ""
        width = encode(estimator, PROBE).shape[1]
        meta = describe_model(estimator, name=None, width=width)
        return cls(estimator, name or str(meta.name), meta, width)

    def measure(
        self, test: AssociationTest, settings: BiasSettings, results: Path | None
    ) -> Association:
        """Run one test, or find its result.

        Parameters
        ----------
        test : AssociationTest
            Its texts.
        settings : BiasSettings
            Of the permutations.
        results : path or None
            Folder of results, where this one is written; None writes nothing.

        Returns
        -------
        Association
            Effect size and p-value.

        Raises
        ------
        ResultFileError
            If there is a result that is damaged, or of another run.
        VectorsError
            If the vectors cannot be compared.
        """
        if results is None:
            return measure_association(self.estimator, test, settings, width=self.width)
        run = self._identify(test, settings)
        path = self._place(test, settings, results)
        if path.is_file():
            log.info("  was measured before: %s", path)
            return _read_result(path, run)
        found = measure_association(self.estimator, test, settings, width=self.width)
        _write(path, self._describe(test, settings, found) | {"run": run})
        return found

    def _identify(self, test: AssociationTest, settings: BiasSettings) -> dict[str, Any]:
        """List all that a result depends on."""
        return {
            "fingerprint": str(self.meta.revision),
            "settings": dict(self.meta.experiment_kwargs or {}),
            "data": test.checksum,
            "permutations": _permutations(settings),
        }

    def _place(self, test: AssociationTest, settings: BiasSettings, results: Path) -> Path:
        from .mteb_results import ResultStore

        usual = _permutations(BiasSettings())
        unusual = [f"{k}={v}" for k, v in _permutations(settings).items() if v != usual[k]]
        name = ".".join([f"{test.name}-{test.checksum}", *unusual])
        # Beside the scores of the same model with the same settings.
        scores = ResultStore(results).cache.get_task_result_path(test.name, self.meta)
        return Path(scores).parent / PART / f"{name}.json"

    def _describe(
        self, test: AssociationTest, settings: BiasSettings, found: Association
    ) -> dict[str, Any]:
        return {
            "kind": KIND,
            "model": str(self.meta.name),
            "fingerprint": str(self.meta.revision),
            "data": {
                "name": test.name,
                "checksum": test.checksum,
                "targets": {part.category: len(part.texts) for part in test.targets},
                "attributes": {part.category: len(part.texts) for part in test.attributes},
            },
            "figures": {
                "effect_size": {"value": found.effect_size, "low": None, "high": None},
                "p_value": {"value": found.permutation.p_value, "low": None, "high": None},
            },
            "permutation": asdict(found.permutation),
            "settings": asdict(settings) | all_settings(self.estimator),
            "versions": package_versions(),
            "machine": describe_machine(),
        }


def _permutations(settings: BiasSettings) -> dict[str, int]:
    return {name: getattr(settings, name) for name in ("samples", "most_exact", "seed")}


def _read_result(path: Path, run: dict[str, Any]) -> Association:
    content = read_object(path)
    if content.get("run") != run:
        raise ResultFileError(
            f"{path} is of another run: it has {content.get('run')}, and this one is {run}. "
            f"Choose another --results, or remove it."
        )
    try:
        return Association(
            float(content["figures"]["effect_size"]["value"]),
            PermutationTest(**content["permutation"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ResultFileError(f"{path} is damaged: {error}.") from error


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content, indent=1, allow_nan=False) + "\n")

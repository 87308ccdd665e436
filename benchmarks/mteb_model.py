"""Any text estimator as the model that ``mteb.evaluate`` takes.

Evaluation itself is mteb's; prompts, checks and the model's record are in `prompts`, `vectors`
and `model_meta`.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mteb.models.abs_encoder import AbsEncoder
from numpy.typing import NDArray

from .encoding_record import EncodingRecord
from .model_meta import describe_model
from .prompts import choose_prompt, find_encoder, read_prompts, with_prompt
from .vectors import PROBE, encode, make_estimator

if TYPE_CHECKING:
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.models.model_meta import ModelMeta
    from mteb.types import PromptType

logger = logging.getLogger(__name__)


class MTEBModel(AbsEncoder):
    """A scikit-learn text estimator behind mteb's encoder protocol.

    Parameters
    ----------
    vectorizer : EncoderVectorizer, estimator, str or path
        An `EncoderVectorizer`, fitted or not; any fitted estimator or pipeline whose
        ``transform`` turns a list of texts into dense vectors; or a checkpoint's name or folder.
    name : str, optional
        The model's name in results, ``"owner/model"``; by default the checkpoint's name, or the
        names of the classes.
    precision : str, default="float32"
        Of a checkpoint given by name; published scores are float32.

    Attributes
    ----------
    mteb_model_meta : ModelMeta
        Name, revision (the weights' fingerprint) and settings, as mteb records them.
    records : dict of (task, split, subset) to EncodingRecord
        Texts, cut texts and seconds so far.

    Raises
    ------
    ParameterError
        If the model cannot transform texts, or must be fitted first.
    VectorsError
        If its output is not one finite dense vector per text; also while encoding.
    CheckpointNotFoundError
        If no checkpoint stands behind a name.

    Examples
    --------
    >>> import mteb
    >>> from benchmarks import MTEBModel
    >>> model = MTEBModel("all-MiniLM-L6-v2")
    >>> mteb.evaluate(model, mteb.get_task("STSBenchmark"), cache=None)  # doctest: +SKIP
    """

    mteb_model_meta: "ModelMeta"
    model_prompts: dict[str, str]

    def __init__(
        self, vectorizer: Any, *, name: str | None = None, precision: str = "float32"
    ) -> None:
        self.estimator = make_estimator(vectorizer, precision=precision)
        self.width = encode(self.estimator, PROBE).shape[1]
        self.model_prompts = read_prompts(self.estimator)
        self.mteb_model_meta = describe_model(self.estimator, name=name, width=self.width)
        self.records: defaultdict[tuple[str, str, str], EncodingRecord] = defaultdict(
            EncodingRecord
        )

    def encode(
        self,
        inputs: Iterable[Any],
        *,
        task_metadata: "TaskMetadata",
        hf_split: str,
        hf_subset: str,
        prompt_type: "PromptType | None" = None,
        **_: Any,
    ) -> NDArray[Any]:
        """Encode the texts of one call of mteb.

        Parameters
        ----------
        inputs : iterable of batches
            Each batch has its texts under ``"text"``. They are joined, because the estimator
            makes better batches itself.
        task_metadata : TaskMetadata
            Of the task that asks; decides on the prompt.
        hf_split : str
            Split of the task.
        hf_subset : str
            Subset of the task.
        prompt_type : PromptType, optional
            Whether the texts are queries or documents.
        **_ : Any
            Batch size and progress settings of mteb, of no use here.

        Returns
        -------
        float32 or float64 of shape (n_texts, n_features)
            One vector per text.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        logger.info("  encoding %d texts (%s, %s)", len(texts), hf_split, hf_subset)
        prompt = choose_prompt(self.model_prompts, task_metadata, prompt_type)
        estimator = with_prompt(self.estimator, prompt)
        record = self.records[task_metadata.name, hf_split, hf_subset]
        with record.measured(estimator, len(texts)):
            vectors = encode(estimator, texts, width=self.width)
        record.n_truncated += getattr(find_encoder(estimator), "n_truncated_", 0)
        return vectors

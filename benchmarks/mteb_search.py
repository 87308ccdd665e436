"""A retriever of this package as the searcher of mteb's retrieval tasks.

mteb asks an encoder for vectors and compares them itself, or it asks a searcher for documents.
All tasks but retrieval go to the encoder as without a searcher.
"""

import logging
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mteb._create_dataloaders import create_dataloader
from mteb.models.search_wrappers import SearchEncoderWrapper
from mteb.types import PromptType
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from skencoder import EncoderRetriever, EncoderVectorizer
from skencoder.errors import OverlongTextWarning
from skencoder.indexes import check_index_name

from .mteb_model import MTEBModel
from .prompts import choose_prompt, find_encoder

if TYPE_CHECKING:
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.models.model_meta import ModelMeta

logger = logging.getLogger(__name__)

SETTINGS = (
    *("metric", "index", "index_options", "lexical", "fusion_weights", "rank_constant"),
    *("n_candidates", "n_reranked"),
)


@dataclass(frozen=True)
class Searched:
    """A model that a retriever searches with, loaded when its turn comes.

    Parameters
    ----------
    encoder : EncoderVectorizer, estimator, str or path
        As `MTEBModel` takes it.
    retriever : EncoderRetriever
        As `MTEBSearcher` takes it.

    Raises
    ------
    ParameterError
        If there is no such index.
    """

    encoder: Any
    retriever: EncoderRetriever

    def __post_init__(self) -> None:
        # Tasks that are no retrieval never ask for the index, and would pass with a wrong one.
        check_index_name(self.retriever.index)


class MTEBSearcher:
    """A retriever behind mteb's search protocol, and its encoder behind mteb's encoder protocol.

    Parameters
    ----------
    model : MTEBModel
        Encodes queries and documents.
    retriever : EncoderRetriever
        Searches; its own encoder and prompts are replaced by the model's.

    Attributes
    ----------
    mteb_model_meta : ModelMeta
        The model's, with the retriever's settings, so that its results are kept apart.
    records : dict of (task, split, subset) to EncodingRecord
        Texts, cut texts and seconds so far.

    Examples
    --------
    >>> import mteb
    >>> from benchmarks import MTEBModel, MTEBSearcher
    >>> from skencoder import EncoderRetriever
    >>> searcher = MTEBSearcher(MTEBModel("all-MiniLM-L6-v2"), EncoderRetriever(lexical="bm25"))
    >>> mteb.evaluate(searcher, mteb.get_task("NFCorpus"), cache=None)  # doctest: +SKIP
    """

    mteb_model_meta: "ModelMeta"

    def __init__(self, model: MTEBModel, retriever: EncoderRetriever) -> None:
        check_index_name(retriever.index)
        self.model = model
        self.retriever = retriever
        self.estimator = model.estimator
        self.records = model.records
        settings = {name: str(getattr(retriever, name)) for name in SETTINGS}
        settings["reranker"] = _name_reranker(retriever.reranker)
        known = model.mteb_model_meta.experiment_kwargs or {}
        self.mteb_model_meta = model.mteb_model_meta.model_copy(
            update={"experiment_kwargs": {**known, **settings}}
        )
        self._fitted: EncoderRetriever | None = None
        self._wrapper = SearchEncoderWrapper(model)

    def encode(self, inputs: Iterable[Any], **options: Any) -> NDArray[Any]:
        """Encode texts for tasks that compare vectors.

        Parameters
        ----------
        inputs : iterable of batches
            As of `MTEBModel.encode`.
        **options : Any
            As of `MTEBModel.encode`.

        Returns
        -------
        float32 or float64 of shape (n_texts, n_features)
            One vector per text.
        """
        return self.model.encode(inputs, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Compare all with all.

        Parameters
        ----------
        embeddings1, embeddings2 : float of shape (n_texts, n_features)
            Vectors.

        Returns
        -------
        tensor of shape (n_texts, n_texts)
            Cosines.
        """
        return self.model.similarity(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Compare row by row.

        Parameters
        ----------
        embeddings1, embeddings2 : float of shape (n_texts, n_features)
            Vectors.

        Returns
        -------
        tensor of shape (n_texts,)
            Cosines.
        """
        return self.model.similarity_pairwise(embeddings1, embeddings2)

    def index(
        self,
        corpus: Any,
        *,
        task_metadata: "TaskMetadata",
        hf_split: str,
        hf_subset: str,
        **options: Any,
    ) -> None:
        """Fit the retriever on a task's documents.

        Parameters
        ----------
        corpus : Dataset
            Documents with id, text and mostly a title.
        task_metadata : TaskMetadata
            Of the task; decides on the prompts.
        hf_split, hf_subset : str
            Split and subset of the task.
        **options : Any
            Settings of mteb for batches and workers.
        """
        self._wrapper.index(
            corpus,
            task_metadata=task_metadata,
            hf_split=hf_split,
            hf_subset=hf_subset,
            **options,
        )
        texts = _read(corpus, task_metadata, PromptType.document)
        logger.info("  indexing %d texts (%s, %s)", len(texts), hf_split, hf_subset)
        prompts = {
            f"{role.value}_prompt": choose_prompt(self.model.model_prompts, task_metadata, role)
            for role in (PromptType.query, PromptType.document)
        }
        retriever = clone(self.retriever).set_params(encoder=self._encoder(), **prompts)
        record = self.records[task_metadata.name, hf_split, hf_subset]
        with record.measured(retriever.encoder, len(texts)), warnings.catch_warnings():
            warnings.simplefilter("ignore", OverlongTextWarning)
            self._fitted = retriever.fit(texts, list(corpus["id"]))
        record.n_truncated += _count_cut(retriever.document_encoder_)

    def search(
        self,
        queries: Any,
        *,
        task_metadata: "TaskMetadata",
        hf_split: str,
        hf_subset: str,
        top_k: int,
        top_ranked: Any = None,
        **options: Any,
    ) -> dict[str, dict[str, float]]:
        """Search the documents that were indexed.

        Parameters
        ----------
        queries : Dataset
            Queries with id and text.
        task_metadata : TaskMetadata
            Of the task.
        hf_split, hf_subset : str
            Split and subset of the task.
        top_k : int
            Documents wanted per query; fewer are given where there are fewer, or where fewer are
            fused or re-scored.
        top_ranked : mapping, optional
            Candidates of a reranking task; these are compared by mteb itself.
        **options : Any
            Settings of mteb for batches and workers.

        Returns
        -------
        dict of str to dict of str to float
            Scores by query and document.
        """
        if top_ranked is not None or self._fitted is None:
            return self._wrapper.search(
                queries,
                task_metadata=task_metadata,
                hf_split=hf_split,
                hf_subset=hf_subset,
                top_k=top_k,
                top_ranked=top_ranked,
                **options,
            )
        retriever = self._fitted
        texts = _read(queries, task_metadata, PromptType.query)
        limits = [top_k, retriever.n_documents_]
        if retriever.reranker is not None:
            limits.append(retriever.n_reranked)
        elif retriever.lexical is not None:
            limits.append(retriever.n_candidates)
        record = self.records[task_metadata.name, hf_split, hf_subset]
        with record.measured(retriever.encoder, len(texts)), warnings.catch_warnings():
            warnings.simplefilter("ignore", OverlongTextWarning)
            table = retriever.search(texts, min(limits))
        record.n_truncated += _count_cut(retriever.query_encoder_)
        ids, scores = (table[name].to_numpy().reshape(len(texts), -1) for name in ("id", "score"))
        return {
            query: dict(zip(ids[row].tolist(), map(float, scores[row]), strict=True))
            for row, query in enumerate(queries["id"])
        }

    def _encoder(self) -> Any:
        """Give the model's encoder, which must not learn anything from a task's texts."""
        if not isinstance(self.estimator, EncoderVectorizer):
            return FrozenEstimator(self.estimator)
        # Given the loaded encoder, fit loads nothing again.
        loaded = {"model": self.estimator.encoder_, "precision": "auto", "device": "auto"}
        return clone(self.estimator).set_params(**loaded)


def _name_reranker(reranker: Any) -> str:
    """Name what re-scores; an object of another model has another name, where it tells it."""
    named = reranker if hasattr(reranker, "__qualname__") else type(reranker)
    config = getattr(reranker, "config", None) or getattr(reranker, "model", None)
    model = getattr(config, "_name_or_path", None) or getattr(config, "name_or_path", "")
    name = f"{named.__module__}.{named.__qualname__}"
    return "None" if reranker is None else f"{name}({model})" if model else name


def _read(dataset: Any, task_metadata: "TaskMetadata", role: PromptType) -> list[str]:
    batches = create_dataloader(dataset, task_metadata=task_metadata, prompt_type=role)
    return [text for batch in batches for text in batch["text"]]


def _count_cut(encoder: Any) -> int:
    return int(getattr(find_encoder(encoder), "n_truncated_", 0))

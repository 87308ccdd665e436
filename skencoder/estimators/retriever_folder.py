"""A retriever as a folder: indexes, documents, ids, and what says which encoder made the vectors.

retriever.json lists all files, with their size and SHA-256, and those that the index lists itself
through the index's config.json; so files of two retrievers do not mix. The encoder is not written,
only named; an encoder that cannot be named is given by who loads. Either is tried on texts whose
vectors are known.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import IndexFileError, OverlongTextWarning
from skencoder.estimators.indexed import IndexedCorpus
from skencoder.estimators.named_encoder import find_encoder, name_encoder
from skencoder.estimators.retriever_manifest import (
    MANIFEST,
    read_manifest,
    read_parameters,
    write_manifest,
    write_parameters,
)
from skencoder.estimators.roles import Role, restore_role
from skencoder.estimators.search_parameters import read_lexical
from skencoder.estimators.stored_texts import Texts, map_texts, write_texts
from skencoder.files import appearing, check_is_new
from skencoder.indexes import VectorIndex, load_index
from skencoder.listed_files import check_files, list_files
from skencoder.retrieval import BM25Index, BM25Options

# What the manifest does not list: the index's config.json lists it.
INDEX, INDEX_CONFIG = "index", "config.json"
# How far vectors of one text may be apart, of their length: of any transformer, and of the same
# weights in another precision. all-MiniLM-L6-v2 in bfloat16 is off by 0.013 at most on Python's
# documentation, in int8 by 0.07.
SAME_VECTOR, SAME_WEIGHTS = 0.02, 0.2
N_PROBES = 3


@dataclass(frozen=True)
class Loaded:
    """What a folder holds.

    Parameters
    ----------
    parameters : dict
        Of the retriever.
    indexed : IndexedCorpus
        Its documents.
    role : Role
        The encoder of queries.
    """

    parameters: dict[str, Any]
    indexed: IndexedCorpus
    role: Role


def save_retriever(
    folder: str | Path, indexed: IndexedCorpus, query: Role, parameters: Mapping[str, Any]
) -> Path:
    """Write a folder; it appears whole or not at all.

    Parameters
    ----------
    folder : str or Path
        Where to; it must not exist, or be empty.
    indexed : IndexedCorpus
        The documents.
    query : Role
        The encoder of queries.
    parameters : mapping of str to object
        Of the retriever.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder holds something, or the weights were changed since they were loaded.
    ParameterError
        If a parameter is a function.
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    target = Path(folder).expanduser().absolute()
    check_is_new(target)
    probes = [indexed.documents[row] for row in range(min(N_PROBES, len(indexed)))]
    manifest = {
        "n_documents": len(indexed),
        "next_id": indexed.next_id,
        "numbered": indexed.numbered,
        "parameters": write_parameters(parameters),
        "reranker": parameters["reranker"] is not None,
        "encoder": name_encoder(indexed.role, parameters["encoder"]),
        "prompts": [indexed.role.prompt, query.prompt],
        "documents": indexed.role.identity,
        "queries": query.identity,
        "probes": probes,
    }
    words = indexed.words()
    with appearing(target) as draft:
        indexed.index.save(draft / INDEX)
        if words is not None:
            words.save(draft / "lexical")
        write_texts(draft, indexed.documents)
        np.save(draft / "ids.npy", indexed.ids, allow_pickle=False)
        np.save(draft / "order.npy", indexed.order, allow_pickle=False)
        np.save(draft / "probes.npy", indexed.role.encode(probes), allow_pickle=False)
        if indexed.labels is not None:
            np.save(draft / "labels.npy", indexed.labels, allow_pickle=False)
        manifest["files"] = list_files(draft, _own_files(draft))
        write_manifest(draft, manifest)
    return target


def load_retriever(folder: str | Path, encoder: Any, changes: Mapping[str, Any]) -> Loaded:
    """Open a folder that `save_retriever` wrote.

    Parameters
    ----------
    folder : str or Path
        Where it is.
    encoder : transformer or None
        None takes the one that is named there.
    changes : mapping of str to object
        Parameters of a search that shall differ.

    Returns
    -------
    Loaded
        Mapped from the files.

    Raises
    ------
    IndexFileError
        If it is no such folder, files are damaged, or another encoder made the vectors.
    ParameterError
        If a parameter cannot be changed.
    """
    place = Path(folder).expanduser().absolute()
    manifest = read_manifest(place)
    parameters = read_parameters(manifest, place, changes)
    parameters["encoder"] = encoder = find_encoder(manifest["encoder"], encoder, place)
    document, query = (restore_role(encoder, prompt) for prompt in manifest["prompts"])
    _check_identity(place, "documents", manifest["documents"], document.identity)
    _check_identity(place, "queries", manifest["queries"], query.identity)
    check_files(place, manifest["files"], MANIFEST, "Fit and save the retriever again.")
    width = _try_encoder(place, document, manifest["probes"])
    indexed = _open_indexed(place, manifest, document, read_lexical(parameters["lexical"]))
    _check_index(place, indexed.index, parameters["metric"], width)
    return Loaded(parameters, indexed, query)


def _own_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and (path.parent != folder / INDEX or path.name == INDEX_CONFIG):
            yield path


def _check_identity(place: Path, what: str, saved: Any, now: Any) -> None:
    if saved == now:
        return
    if saved is None or now is None:
        raise IndexFileError(
            f"{place}: the vectors were made by {_kind(saved)}, but {_kind(now)} is to encode "
            f"{what}; give the encoder they were made by."
        )
    unknown = object()
    differing = [n for n in [*saved, *now] if saved.get(n, unknown) != now.get(n, unknown)]
    name = differing[0]
    raise IndexFileError(
        f"{place}: another encoder made the vectors of {what}. Its {name} was "
        f"{saved.get(name)!r}, and is now {now.get(name)!r}. Fit the retriever again, or give the "
        f"encoder it had."
    )


def _kind(identity: Any) -> str:
    return "another transformer" if identity is None else "an EncoderVectorizer"


def _try_encoder(place: Path, document: Role, probes: list[str]) -> int:
    """Compare vectors with known ones; give their width."""
    known = _read_array(place, "probes.npy")
    with warnings.catch_warnings():
        # Said when they were indexed.
        warnings.simplefilter("ignore", OverlongTextWarning)
        found = document.encode(probes)
    if known.shape == found.shape:
        apart = np.linalg.norm(known - found, axis=1)
        most = SAME_VECTOR if document.identity is None else SAME_WEIGHTS
        if (apart <= most * np.maximum(np.linalg.norm(known, axis=1), 1e-12)).all():
            return int(found.shape[1])
    raise IndexFileError(
        f"{place}: another encoder made the vectors; the one given encodes the first documents "
        f"otherwise (shape {found.shape}, saved {known.shape}). Fit the retriever again, or give "
        f"the encoder it had."
    )


def _open_indexed(
    place: Path, manifest: dict[str, Any], document: Role, options: BM25Options | None
) -> IndexedCorpus:
    n_documents = manifest["n_documents"]
    index = load_index(place / "index")
    ids, order = _read_array(place, "ids.npy"), _read_array(place, "order.npy")
    labels = _read_array(place, "labels.npy") if "labels.npy" in manifest["files"] else None
    counts = len(index), ids.size, (ids if labels is None else labels).size
    if set(counts) != {n_documents} or not _is_order(order, n_documents):
        raise IndexFileError(
            f"{place}: {MANIFEST} says {n_documents} documents, but there are {counts[0]} "
            f"vectors, {counts[1]} ids, {counts[2]} labels or ids, or they are in no order; the "
            f"files do not belong together."
        )
    lexical = None
    if options is not None:
        lexical = BM25Index.load(place / "lexical", n_documents, options)
    return IndexedCorpus(
        documents=Texts(map_texts(place, n_documents)),
        ids=ids,
        order=order,
        labels=labels,
        role=document,
        index=index,
        lexical=lexical,
        lexical_options=options,
        numbered=manifest["numbered"],
        next_id=manifest["next_id"],
    )


def _is_order(order: NDArray[Any], n_documents: int) -> bool:
    if order.shape != (n_documents,) or order.dtype != np.int64:
        return False
    inside = (order >= 0) & (order < n_documents)
    return bool(inside.all() and (np.bincount(order, minlength=n_documents) == 1).all())


def _check_index(place: Path, index: VectorIndex, metric: str, width: int) -> None:
    if index.metric != metric or index.n_features != width:
        raise IndexFileError(
            f"{place / INDEX} has vectors of {index.n_features} numbers for the metric "
            f"{index.metric!r}; expected {width} and {metric!r}. The files do not belong together."
        )


def _read_array(place: Path, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(place / name, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IndexFileError(f"{place / name} cannot be read: {error}") from error
    return array

"""A retriever as a folder: indexes, documents, ids, and what says which encoder made the vectors.

The encoder itself is not written, only named; an encoder that cannot be named is given by who
loads, and tried on texts whose vectors are known.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import IndexFileError, ParameterError
from skencoder.estimators.indexed import IndexedCorpus
from skencoder.estimators.named_encoder import find_encoder, name_encoder
from skencoder.estimators.roles import Role, restore_role
from skencoder.estimators.search_parameters import FIT_PARAMETERS, SEARCH_PARAMETERS, read_lexical
from skencoder.estimators.stored_texts import Texts, map_texts, write_texts
from skencoder.files import appearing, check_is_new
from skencoder.indexes import load_index
from skencoder.retrieval import BM25Index, BM25Options

FORMAT, VERSION = "skencoder-retriever", 1
MANIFEST = "retriever.json"
# How far vectors of one text may be apart, of their length, on machines of other precision.
SAME_VECTOR = 0.02
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
    labels : ndarray of shape (n_documents,) or None
        The documents' labels.
    """

    parameters: dict[str, Any]
    indexed: IndexedCorpus
    role: Role
    labels: NDArray[Any] | None


def save_retriever(
    folder: str | Path,
    indexed: IndexedCorpus,
    query: Role,
    parameters: Mapping[str, Any],
    labels: NDArray[Any] | None,
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
    labels : ndarray of shape (n_documents,) or None
        The documents' labels.

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
        "format": FORMAT,
        "version": VERSION,
        "n_documents": len(indexed),
        "next_id": indexed.next_id,
        "numbered": indexed.numbered,
        "parameters": _to_json(parameters),
        "reranker": parameters["reranker"] is not None,
        "encoder": name_encoder(indexed.role, parameters["encoder"]),
        "prompts": [indexed.role.prompt, query.prompt],
        "documents": indexed.role.identity,
        "queries": query.identity,
        "probes": probes,
    }
    words = indexed.words()
    with appearing(target) as draft:
        indexed.index.save(draft / "index")
        if words is not None:
            words.save(draft / "lexical")
        write_texts(draft, indexed.documents)
        np.save(draft / "ids.npy", indexed.ids, allow_pickle=False)
        np.save(draft / "order.npy", indexed.order, allow_pickle=False)
        np.save(draft / "probes.npy", indexed.role.encode(probes), allow_pickle=False)
        if labels is not None:
            np.save(draft / "labels.npy", labels, allow_pickle=False)
        text = json.dumps(manifest, indent=2, ensure_ascii=False, default=_plain) + "\n"
        (draft / MANIFEST).write_text(text, encoding="utf-8")
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
    manifest = _read_manifest(place)
    parameters = _from_json(manifest, place, changes)
    parameters["encoder"] = encoder = find_encoder(manifest["encoder"], encoder, place)
    document, query = (restore_role(encoder, prompt) for prompt in manifest["prompts"])
    _check_identity(place, "documents", manifest["documents"], document.identity)
    _check_identity(place, "queries", manifest["queries"], query.identity)
    if document.identity is None:
        _try_encoder(place, document, manifest["probes"])
    indexed = _open_indexed(place, manifest, document, read_lexical(parameters["lexical"]))
    labels = _read_array(place, "labels.npy") if parameters["target"] == "labels" else None
    return Loaded(parameters, indexed, query, labels)


def _to_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: parameters[name] for name in FIT_PARAMETERS + SEARCH_PARAMETERS}
    del kept["reranker"]
    lexical = kept["lexical"]
    if isinstance(lexical, BM25Options):
        if lexical.tokenize is not None:
            raise ParameterError(
                "lexical has a function, tokenize, and a folder holds no code; pickle the "
                "retriever instead."
            )
        kept["lexical"] = {k: v for k, v in asdict(lexical).items() if k != "tokenize"}
    return kept


def _from_json(
    manifest: dict[str, Any], place: Path, changes: Mapping[str, Any]
) -> dict[str, Any]:
    fixed = sorted(set(changes) - set(SEARCH_PARAMETERS))
    if fixed:
        raise ParameterError(
            f"{fixed[0]} cannot be changed when a retriever is loaded; only "
            f"{', '.join(SEARCH_PARAMETERS)} can. Fit a new one."
        )
    if manifest["reranker"] and "reranker" not in changes:
        raise IndexFileError(
            f"{place} was saved with a reranker, which a folder does not hold; give reranker=..., "
            f"or reranker=None to go without."
        )
    parameters: dict[str, Any] = dict(manifest["parameters"])
    if isinstance(parameters["lexical"], dict):
        parameters["lexical"] = BM25Options(**parameters["lexical"])
    parameters["fusion_weights"] = tuple(parameters["fusion_weights"])
    return parameters | dict(changes)


def _plain(value: Any) -> Any:
    """Give a number of numpy's as one of Python's."""
    if not isinstance(value, np.generic | np.ndarray):
        raise ParameterError(
            f"{value!r} is a parameter that cannot be saved: a folder holds plain values only. "
            f"Pickle the retriever instead."
        )
    return value.tolist()


def _read_manifest(place: Path) -> dict[str, Any]:
    path = place / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise IndexFileError(
            f"{path} cannot be read, so {place} is no saved retriever: {error}"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise IndexFileError(f"{path} does not describe a retriever; expected format={FORMAT!r}.")
    if content.get("version") != VERSION:
        raise IndexFileError(
            f"{path} has version={content.get('version')!r}; this version of skencoder reads "
            f"{VERSION}. Fit the retriever again, or use the version that saved it."
        )
    missing = sorted(_FIELDS - set(content))
    wanted = set(FIT_PARAMETERS + SEARCH_PARAMETERS) - {"reranker"}
    if missing or not isinstance(content["parameters"], dict):
        raise IndexFileError(f"{path} has no {', '.join(missing) or 'parameters'}.")
    if set(content["parameters"]) != wanted:
        raise IndexFileError(
            f"{path} has other parameters than this version knows: "
            f"{', '.join(sorted(set(content['parameters']) ^ wanted))}."
        )
    return content


_FIELDS = {
    *("n_documents", "next_id", "numbered", "parameters", "reranker"),
    *("encoder", "prompts", "documents", "queries", "probes"),
}


def _check_identity(place: Path, what: str, saved: Any, now: Any) -> None:
    if saved == now:
        return
    if saved is None or now is None:
        raise IndexFileError(
            f"{place}: the vectors were made by {_kind(saved)}, but {_kind(now)} is to encode "
            f"{what}; give the encoder they were made by."
        )
    differing = [name for name in saved if saved[name] != now.get(name)]
    name = differing[0]
    raise IndexFileError(
        f"{place}: another encoder made the vectors of {what}. Its {name} was {saved[name]!r}, "
        f"and is now {now.get(name)!r}. Fit the retriever again, or give the encoder it had."
    )


def _kind(identity: Any) -> str:
    return "another transformer" if identity is None else "an EncoderVectorizer"


def _try_encoder(place: Path, document: Role, probes: list[str]) -> None:
    known = _read_array(place, "probes.npy")
    found = document.encode(probes)
    if known.shape == found.shape:
        apart = np.linalg.norm(known - found, axis=1)
        if (apart <= SAME_VECTOR * np.maximum(np.linalg.norm(known, axis=1), 1e-12)).all():
            return
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
    if not len(index) == len(ids) == len(order) == n_documents:
        raise IndexFileError(
            f"{place}: {MANIFEST} says {n_documents} documents, but there are {len(index)} "
            f"vectors and {len(ids)} ids; the files do not belong together."
        )
    lexical = None
    if options is not None:
        lexical = BM25Index.load(place / "lexical", n_documents, options)
    return IndexedCorpus(
        documents=Texts(map_texts(place, n_documents)),
        ids=ids,
        order=order,
        role=document,
        index=index,
        lexical=lexical,
        lexical_options=options,
        numbered=manifest["numbered"],
        next_id=manifest["next_id"],
    )


def _read_array(place: Path, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(place / name, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IndexFileError(f"{place / name} cannot be read: {error}") from error
    return array

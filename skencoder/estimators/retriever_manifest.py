"""retriever.json: what a saved retriever is, and the same read back and checked.

The files beside it are in `retriever_folder`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from skencoder.errors import IndexFileError, ParameterError
from skencoder.estimators.search_parameters import FIT_PARAMETERS, SEARCH_PARAMETERS
from skencoder.listed_files import is_listing
from skencoder.retrieval import BM25Options

FORMAT, VERSION = "skencoder-retriever", 1
MANIFEST = "retriever.json"


def write_manifest(folder: Path, fields: Mapping[str, Any]) -> None:
    """Write what a retriever is.

    Parameters
    ----------
    folder : Path
        Where to.
    fields : mapping of str to object
        All but format and version.

    Raises
    ------
    ParameterError
        If a value is none that a file holds.
    """
    content = {"format": FORMAT, "version": VERSION, **fields}
    text = json.dumps(content, indent=2, ensure_ascii=False, default=_plain) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def write_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give a retriever's parameters as plain values.

    Parameters
    ----------
    parameters : mapping of str to object
        By name.

    Returns
    -------
    dict
        All but the encoder and the reranker.

    Raises
    ------
    ParameterError
        If one is a function.
    """
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


def read_parameters(
    manifest: dict[str, Any], place: Path, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Read what `write_parameters` gave.

    Parameters
    ----------
    manifest : dict
        As of `read_manifest`.
    place : Path
        The folder, for messages.
    changes : mapping of str to object
        Parameters of a search that shall differ.

    Returns
    -------
    dict
        By name.

    Raises
    ------
    ParameterError
        If one cannot be changed.
    IndexFileError
        If there was a reranker, and none is given.
    """
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


def read_manifest(place: Path) -> dict[str, Any]:
    """Read what a retriever is.

    Parameters
    ----------
    place : Path
        Its folder.

    Returns
    -------
    dict
        The fields, each of the type it must have.

    Raises
    ------
    IndexFileError
        If the file is missing or damaged, or of another version.
    """
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
    missing = sorted(set(_FIELDS) - set(content))
    if missing:
        raise IndexFileError(f"{path} has no {', '.join(missing)}.")
    wrong = [name for name, is_right in _FIELDS.items() if not is_right(content[name])]
    if wrong:
        raise IndexFileError(f"{path} is damaged: {wrong[0]} is {content[wrong[0]]!r}.")
    wanted = set(FIT_PARAMETERS + SEARCH_PARAMETERS) - {"reranker"}
    if set(content["parameters"]) != wanted:
        raise IndexFileError(
            f"{path} has other parameters than this version knows: "
            f"{', '.join(sorted(set(content['parameters']) ^ wanted))}."
        )
    return content


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_description(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _are_prompts(value: Any) -> bool:
    is_pair = isinstance(value, list) and len(value) == 2  # noqa: PLR2004 - both roles
    return is_pair and all(prompt is None or isinstance(prompt, str) for prompt in value)


# What is in a manifest, and what that must be.
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "n_documents": _is_count,
    "next_id": _is_count,
    "numbered": lambda value: isinstance(value, bool),
    "parameters": lambda value: isinstance(value, dict),
    "reranker": lambda value: isinstance(value, bool),
    "encoder": _is_description,
    "prompts": _are_prompts,
    "documents": _is_description,
    "queries": _is_description,
    "probes": _are_texts,
    "files": is_listing,
}

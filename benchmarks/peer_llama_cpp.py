"""llama.cpp through llama-cpp-python, on a GGUF file written here or given."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from .engines import Encode, Setup
from .errors import EngineUnavailableError
from .peer_exports import exported
from .peer_gguf import write_gguf
from .speed_model import ModelFacts, describe_model

FILE = "model.gguf"
# Its default. More is slower: every token of a batch is scored with every other.
BATCH_TOKENS = 512


def load(setup: Setup, *, kind: str | None) -> Encode:
    """Load a checkpoint with llama.cpp.

    Parameters
    ----------
    setup : Setup
        Model, threads, folder of exports, file.
    kind : str or None
        Type of the weights in a file written here; None takes the file of the setup.

    Returns
    -------
    callable
        From a list of texts to float32 of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If a package or the file is missing, or the checkpoint cannot be written as GGUF.
    """
    if kind is None and setup.gguf is None:
        raise EngineUnavailableError("no file was given (--gguf PATH)")
    try:
        from llama_cpp import Llama
    except ImportError as error:
        raise EngineUnavailableError(
            "llama-cpp-python is not installed (pip install llama-cpp-python gguf)"
        ) from error
    facts = describe_model(setup.model)
    tokens = max(BATCH_TOKENS, facts.max_length)
    llama = Llama(
        _file(setup, facts, kind),
        embedding=True,
        n_ctx=tokens,
        n_batch=tokens,
        n_ubatch=tokens,
        n_threads=setup.threads,
        n_threads_batch=setup.threads,
        verbose=False,
    )
    tokenizer = facts.tokenizer()

    def encode(texts: list[str]) -> NDArray[Any]:
        cut = cut_texts(texts, tokenizer, facts.max_length)
        return np.array(llama.embed(cut, normalize=facts.normalize), dtype=np.float32)

    return encode


def _file(setup: Setup, facts: ModelFacts, kind: str | None) -> str:
    if kind is None:
        return str(setup.gguf)

    def write(folder: Path) -> None:
        write_gguf(facts, folder / FILE, kind=kind)

    return str(exported(setup, facts, f"gguf-{kind}", partial(write)) / FILE)


def cut_texts(texts: list[str], tokenizer: Tokenizer, max_length: int) -> list[str]:
    """Cut texts where the model's limit is: llama.cpp cuts elsewhere and loses the last token.

    Parameters
    ----------
    texts : list of str of length n_texts
        Any.
    tokenizer : Tokenizer
        Of the model, set to cut at its limit.
    max_length : int
        The limit in tokens.

    Returns
    -------
    list of str of length n_texts
        Texts of at most so many tokens.
    """
    encodings = tokenizer.encode_batch(texts)
    return [
        text[: max(stop for _, stop in encoding.offsets)]
        if len(encoding.ids) >= max_length
        else text
        for text, encoding in zip(texts, encodings, strict=True)
    ]

"""Queries and documents: one encoder, two prompts; and vectors as an index takes them."""

import codecs
import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import Pipeline

from skencoder.encode_once import learn_facts
from skencoder.errors import ParameterError
from skencoder.estimators.vectorizer import EncoderVectorizer

Vectors = NDArray[np.float32]

# What checkpoints call the roles; the first that is there counts.
QUERY_NAMES = ("query",)
DOCUMENT_NAMES = ("document", "passage", "corpus")
# What of a plan has no influence on vectors.
NOT_IDENTITY = ("batch_tokens", "verbose", "overflow", "body_length", "prompt_tokens")
# What changes a text before that.
READING = ("lowercase", "strip_accents", "preprocessor", "encoding", "decode_error")


@dataclass(frozen=True)
class Role:
    """An encoder as it encodes queries, or documents.

    Parameters
    ----------
    encoder : transformer
        Fitted; from texts to vectors.
    prefix : str
        Put before every text; empty where the encoder does so itself.
    """

    encoder: Any
    prefix: str = ""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            At least one.

        Returns
        -------
        float32 of shape (n_texts, n_features)
            One vector per text.

        Raises
        ------
        ParameterError
            If the encoder does not give one vector of finite numbers per text.
        """
        given = self.encoder.transform([self.prefix + text for text in texts])
        return _as_vectors(given, len(texts), self.encoder)

    @property
    def prompt(self) -> str | None:
        """What is put before a text, or its name; None is the checkpoint's default."""
        inner = first_encoder(self.encoder)
        return self.prefix if inner is None else inner.prompt

    @property
    def identity(self) -> dict[str, Any] | None:
        """What vectors depend on, for an `EncoderVectorizer`; None for anything else."""
        if not isinstance(self.encoder, EncoderVectorizer):
            return None
        prepared = self.encoder._prepared
        plan = {k: v for k, v in asdict(prepared.plan).items() if k not in NOT_IDENTITY}
        # As they come back from a file.
        plan["poolings"] = list(plan["poolings"])
        reading = _describe_reading(self.encoder._reader.vectorizer)
        return {"fingerprint": prepared.handle.fingerprint, **plan, **reading}


def _describe_reading(vectorizer: HashingVectorizer) -> dict[str, Any]:
    """Say what becomes of a text before it is tokenized; of a function its name."""
    settings: dict[str, Any] = {name: getattr(vectorizer, name) for name in READING}
    settings["encoding"] = codecs.lookup(settings["encoding"]).name
    return {name: _name(value) if callable(value) else value for name, value in settings.items()}


def _name(function: Any) -> str:
    named = function if hasattr(function, "__qualname__") else type(function)
    # A method of a builtin class has no module.
    return f"{getattr(named, '__module__', '')}.{named.__qualname__}"


def fit_document_role(encoder: Any, texts: list[str], prompt: str | None) -> tuple[Role, Vectors]:
    """Fit a copy of an encoder on documents and encode them.

    Parameters
    ----------
    encoder : transformer or None
        From texts to vectors; None is `EncoderVectorizer` with its default model.
    texts : list of str of shape (n_documents,)
        The documents.
    prompt : str or None
        Text, or the name of one of the checkpoint's prompts; None is what the checkpoint has for
        documents, unless the encoder has a prompt of its own.

    Returns
    -------
    role : Role
        For documents.
    vectors : float32 of shape (n_documents, n_features)
        Of the documents.

    Raises
    ------
    ParameterError
        If it is no encoder, the prompt is no text, or there is not one vector per text.
    """
    _check_prompt("document_prompt", prompt)
    fitted = fresh(encoder)
    inner = first_encoder(fitted)
    role = Role(fitted, (prompt or "") if inner is None else "")
    if inner is not None:
        inner.set_params(prompt=_choose_prompt(inner, texts[0], prompt, DOCUMENT_NAMES))
    prefixed = [role.prefix + text for text in texts]
    if not hasattr(fitted, "fit_transform"):
        # A FrozenEstimator, for one, has nothing to fit.
        given = fitted.fit(prefixed, None).transform(prefixed)
    else:
        given = fitted.fit_transform(prefixed)
    return role, _as_vectors(given, len(texts), fitted)


def make_query_role(encoder: Any, document: Role, prompt: str | None) -> Role:
    """Give the encoder of documents the prompt of queries; nothing is learned anew.

    Parameters
    ----------
    encoder : transformer or None
        As the user gave it.
    document : Role
        The same, fitted.
    prompt : str or None
        As in `fit_document_role`, for queries.

    Returns
    -------
    Role
        For queries.

    Raises
    ------
    ParameterError
        If the prompt is no text.
    """
    _check_prompt("query_prompt", prompt)
    given, fitted = first_encoder(fresh(encoder)), first_encoder(document.encoder)
    if given is None or fitted is None:
        return Role(document.encoder, prompt or "")
    chosen = _choose_prompt(given, ".", prompt, QUERY_NAMES)
    return document if chosen == fitted.prompt else Role(_prompted(document.encoder, chosen))


def restore_role(encoder: Any, prompt: str | None) -> Role:
    """Give an encoder the prompt it had.

    Parameters
    ----------
    encoder : transformer
        An `EncoderVectorizer`, or anything else that is fitted.
    prompt : str or None
        As `Role.prompt` gave it.

    Returns
    -------
    Role
        Ready to encode.
    """
    if first_encoder(encoder) is None:
        return Role(encoder, prompt or "")
    return Role(_prompted(encoder, prompt))


def find_fingerprint(encoder: Any) -> str | None:
    """Say which weights an encoder has now.

    Parameters
    ----------
    encoder : transformer or None
        From texts to vectors.

    Returns
    -------
    str or None
        Of its `EncoderVectorizer`; None where there is none.
    """
    inner = first_encoder(fresh(encoder))
    return None if inner is None else inner.fit(["."]).model_fingerprint_


def fresh(encoder: Any) -> Any:
    """Copy an encoder, not fitted.

    Parameters
    ----------
    encoder : transformer or None
        None is `EncoderVectorizer` with its default model.

    Returns
    -------
    transformer
        With the same parameters.

    Raises
    ------
    ParameterError
        If it is no transformer, or one that would be trained.
    """
    if encoder is None:
        return EncoderVectorizer()
    if isinstance(encoder, type) or not (
        hasattr(encoder, "fit") and hasattr(encoder, "transform")
    ):
        raise ParameterError(
            f"encoder must be a transformer from texts to vectors, such as EncoderVectorizer(); "
            f"got {encoder!r}."
        )
    copied = clone(encoder)
    original, inner = first_encoder(encoder), first_encoder(copied)
    if inner is not None and inner.fine_tune is not None:
        # Queries and documents would be trained apart.
        raise ParameterError(
            f"encoder has fine_tune={type(inner.fine_tune).__name__}(...), but is only used here "
            f"and not trained. Fit it first, then give EncoderVectorizer(fitted.encoder_), or the "
            f"folder of fitted.save(...)."
        )
    if original is not None and inner is not None:
        # What a search varies is served by one pass, so the copy must know of the search.
        inner._varied = original._varied
    return copied


def first_encoder(encoder: Any) -> EncoderVectorizer | None:
    """Find the `EncoderVectorizer` that reads the texts.

    Parameters
    ----------
    encoder : transformer
        Itself one, a pipeline that starts with one, or anything else.

    Returns
    -------
    EncoderVectorizer or None
        None where there is none.
    """
    if isinstance(encoder, Pipeline):
        return first_encoder(encoder.steps[0][1])
    return encoder if isinstance(encoder, EncoderVectorizer) else None


def _check_prompt(name: str, prompt: Any) -> None:
    if prompt is not None and not isinstance(prompt, str):
        raise ParameterError(f"{name} must be a str or None; got {prompt!r}.")


def _choose_prompt(
    encoder: EncoderVectorizer, text: str, prompt: str | None, names: tuple[str, ...]
) -> str | None:
    if prompt is not None or encoder.prompt is not None:
        return encoder.prompt if prompt is None else prompt
    prepared = clone(encoder).fit([text])._prepared
    shipped = learn_facts(prepared.handle, prepared.cache).settings.prompts
    return next((name for name in names if name in shipped), None)


def _prompted(fitted: Any, prompt: str | None) -> Any:
    """Give a fitted encoder another prompt."""
    if isinstance(fitted, Pipeline):
        (name, first), *others = fitted.steps
        prompted = copy.copy(fitted)
        prompted.steps = [(name, _prompted(first, prompt)), *others]
        return prompted
    return fresh(fitted).set_params(prompt=prompt).fit(["."])


def _as_vectors(given: Any, n_texts: int, encoder: Any) -> Vectors:
    name = type(encoder).__name__
    if issparse(given):
        raise ParameterError(
            f"encoder={name} gives sparse vectors, and an index holds dense ones; end it with "
            f"TruncatedSVD, as in make_pipeline({name}(), TruncatedSVD(256)), or search words "
            f"with lexical='bm25'."
        )
    if hasattr(given, "detach"):
        given = given.detach().cpu().float().numpy()
    array = np.asarray(given)
    if array.ndim != 2 or len(array) != n_texts or array.dtype.kind not in "fiu":  # noqa: PLR2004
        raise ParameterError(
            f"encoder={name} must give one vector per text; it gave shape {array.shape} of "
            f"{array.dtype} for {n_texts} texts."
        )
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise ParameterError(f"encoder={name} gave NaN or infinity for text {row}.")
    return np.ascontiguousarray(array, np.float32)

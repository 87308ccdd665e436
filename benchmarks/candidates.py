"""What may stand before a classifier: encoders with their settings, static tables, word counts."""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer

from skencoder import EmbeddingCache, EncoderVectorizer, distill_static
from skencoder.checkpoints import locate_checkpoint
from skencoder.errors import DeviceError

from .choose_settings import ChooseSettings

DEFAULT_MODEL, STATIC, TFIDF = "all-MiniLM-L6-v2", "static", "TF-IDF"
OWN_PRECISION, OWN_POOLING = "float32", "auto"
POOLINGS = (OWN_POOLING, "cls", "max")
WEIGHTS = (".safetensors", ".bin")
PROBE = ["A text."]


@dataclass(frozen=True)
class Candidate:
    """A way to turn texts into features.

    Parameters
    ----------
    name : str
        How it is called.
    vectorizer : estimator
        Not fitted to any text of the user's.
    group : str
        Candidates of one group are encoded in one pass.
    """

    name: str
    vectorizer: Any
    group: str

    @property
    def is_encoder(self) -> bool:
        """Whether its vectors are kept in a cache."""
        return isinstance(self.vectorizer, EncoderVectorizer)


@dataclass(frozen=True)
class Size:
    """How large a candidate is.

    Parameters
    ----------
    parameters : int
        Of the model; of word counts, one per word.
    megabytes : float
        Of its weights in their files; of word counts, pickled.
    dimensions : int
        Width of its vectors.
    """

    parameters: int
    megabytes: float
    dimensions: int


def make_candidates(
    settings: ChooseSettings, cache: EmbeddingCache, notes: list[str]
) -> list[Candidate]:
    """Make what is to be tried.

    Parameters
    ----------
    settings : ChooseSettings
        Models, precisions and poolings.
    cache : EmbeddingCache
        Keeps the vectors of all.
    notes : list of str
        Gets a sentence for each precision that this machine does not have.

    Returns
    -------
    list of Candidate
        TF-IDF first.

    Raises
    ------
    CheckpointNotFoundError
        If there is no such model.
    ParameterError
        If there is no such precision or pooling.
    DeviceError
        If this machine does not have a precision that was asked for.
    """
    candidates = [Candidate(TFIDF, TfidfVectorizer(sublinear_tf=True), TFIDF)]
    models = list(dict.fromkeys(settings.models or (DEFAULT_MODEL, STATIC)))
    for model, name in zip(models, _short_names(models), strict=True):
        candidates += _of_model(model, name, settings, cache, notes)
    return candidates


def _short_names(models: Sequence[str]) -> list[str]:
    """Leave out folders and owners, but not where that makes two models one."""
    short = [Path(model).name or model for model in models]
    return [
        model if short.count(name) > 1 else name for model, name in zip(models, short, strict=True)
    ]


def _of_model(
    model: str, short: str, settings: ChooseSettings, cache: EmbeddingCache, notes: list[str]
) -> Iterator[Candidate]:
    source = _distill() if model == STATIC else model
    is_default = model == DEFAULT_MODEL
    precisions = settings.precisions
    if precisions is None or model == STATIC:
        precisions = _precisions_here(cache, notes) if is_default else [OWN_PRECISION]
    poolings = settings.poolings
    if poolings is None or model == STATIC:
        poolings = list(POOLINGS) if is_default else [OWN_POOLING]
    # Every precision once, and every pooling in the first of them.
    chosen = [(precisions[0], pooling) for pooling in poolings]
    chosen += [(precision, poolings[0]) for precision in precisions[1:]]
    for precision, pooling in dict.fromkeys(chosen):
        vectorizer = EncoderVectorizer(
            source, precision=precision, pooling=pooling, overflow="truncate", cache=cache
        )
        # Whatever is wrong with a model is told before hours of work with the others.
        vectorizer.fit(PROBE)
        name = _name(short, "" if model == STATIC else precision, pooling)
        yield Candidate(name, vectorizer, group=f"{model} {precision}")


def _name(short: str, precision: str, pooling: str) -> str:
    settings = [precision] if precision else []
    settings += [pooling] if pooling != OWN_POOLING else []
    return f"{short} ({', '.join(settings)})" if settings else short


def _distill() -> str:
    return str(distill_static(DEFAULT_MODEL, verbose=1).source.model)


def _precisions_here(cache: EmbeddingCache, notes: list[str]) -> list[str]:
    """Name float32, what this machine does best, and int8 where it has it."""
    best = EncoderVectorizer(DEFAULT_MODEL, precision="auto", cache=cache).fit(PROBE)
    found = [OWN_PRECISION, str(best.encoder_.precision)]
    try:
        EncoderVectorizer(DEFAULT_MODEL, precision="int8", cache=cache).fit(PROBE)
        found.append("int8")
    except DeviceError as error:
        notes.append(f"{DEFAULT_MODEL} in int8 is left out: {error}")
    return list(dict.fromkeys(found))


def measure_size(candidate: Candidate, texts: Sequence[str]) -> Size:
    """Say how large a candidate is.

    Parameters
    ----------
    candidate : Candidate
        Encoders are fitted already.
    texts : sequence of str
        What word counts learn their words from.

    Returns
    -------
    Size
        Parameters, megabytes and dimensions.
    """
    vectorizer = candidate.vectorizer
    if not candidate.is_encoder:
        fitted = TfidfVectorizer(**vectorizer.get_params()).fit(texts)
        words = len(fitted.vocabulary_)
        return Size(words, len(pickle.dumps(fitted)) / 1e6, words)
    encoder = vectorizer.encoder_
    return Size(
        sum(parameter.numel() for parameter in encoder.encoder.parameters()),
        _weight_bytes(locate_checkpoint(str(encoder.source.model))) / 1e6,
        vectorizer.n_features_out_,
    )


def _weight_bytes(folder: Path) -> int:
    for suffix in WEIGHTS:
        sizes = [path.stat().st_size for path in folder.rglob(f"*{suffix}")]
        if sizes:
            return sum(sizes)
    return 0

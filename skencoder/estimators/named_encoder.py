"""An encoder as plain values in a file: which checkpoint, read how. No weights, no code."""

from pathlib import Path
from typing import Any

from skencoder.errors import IndexFileError, ParameterError
from skencoder.estimators.roles import Role
from skencoder.estimators.vectorizer import EncoderVectorizer

# Where it is computed and what is kept there is said anew by who loads.
NOT_NAMED = ("cache", "device")


def name_encoder(role: Role, encoder: Any) -> dict[str, Any] | None:
    """Write an encoder's parameters.

    Parameters
    ----------
    role : Role
        The fitted encoder.
    encoder : transformer or None
        As the user gave it.

    Returns
    -------
    dict or None
        Its parameters by name; None for anything but an `EncoderVectorizer`, and where a
        checkpoint runs code of its own.

    Raises
    ------
    ParameterError
        If a parameter is a function.
    CheckpointError
        If the weights were changed since they were loaded.
    """
    if not isinstance(role.encoder, EncoderVectorizer):
        return None
    # Refuses weights that nobody could load.
    source = role.encoder._prepared.handle.__getstate__()
    if source["trust_remote_code"]:
        return None
    given = EncoderVectorizer() if encoder is None else encoder
    parameters: dict[str, Any] = given.get_params(deep=False)
    kept = {name: value for name, value in parameters.items() if name not in NOT_NAMED}
    kept["model"] = source["model"]
    functions = [name for name, value in kept.items() if callable(value)]
    if functions:
        raise ParameterError(
            f"the encoder's {functions[0]} is a function, and a folder holds no code; do what it "
            f"does before the retriever, or pickle the retriever."
        )
    return kept


def find_encoder(named: dict[str, Any] | None, given: Any, place: Path) -> Any:
    """Give the encoder that was named, or the one that is given.

    Parameters
    ----------
    named : dict or None
        As `name_encoder` wrote it.
    given : transformer or None
        By who loads.
    place : Path
        The folder, for messages.

    Returns
    -------
    transformer
        An `EncoderVectorizer`, not fitted, or what is given.

    Raises
    ------
    IndexFileError
        If none is named and none is given.
    """
    if given is not None:
        if isinstance(given, type) or not hasattr(given, "transform"):
            raise ParameterError(
                f"encoder must be a transformer from texts to vectors; got {given!r}."
            )
        return given
    if named is None:
        raise IndexFileError(
            f"{place} was saved with an encoder that a folder does not hold; give it, fitted: "
            f"EncoderRetriever.load(folder, encoder=...)."
        )
    unknown = sorted(set(named) - set(EncoderVectorizer().get_params(deep=False)))
    if unknown:
        raise IndexFileError(
            f"{place} names an encoder with parameters that this version does not know: "
            f"{', '.join(unknown)}."
        )
    return EncoderVectorizer(**named)

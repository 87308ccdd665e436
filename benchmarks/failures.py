"""What a failure is called where one that fails does not stop the others."""

from skencoder.errors import SkencoderError


def tell_failure(error: Exception) -> str:
    """Write a failure down.

    Parameters
    ----------
    error : Exception
        Of this package, or of a model or of data that are not ours.

    Returns
    -------
    str
        Its message; with the name of its class where the message was not written for users.
    """
    kind = "" if isinstance(error, SkencoderError) else f"{type(error).__name__}: "
    return f"{kind}{error}"

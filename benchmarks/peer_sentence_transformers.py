"""sentence-transformers as people run it: its defaults, in float32 or bfloat16."""

from functools import partial

from skencoder.checkpoints import locate_checkpoint

from .engines import BATCH, Encode, Setup
from .errors import EngineUnavailableError


def load(setup: Setup, *, precision: str) -> Encode:
    """Load a checkpoint with sentence-transformers.

    Parameters
    ----------
    setup : Setup
        Model, threads, device.
    precision : str
        ``"float32"`` or ``"bfloat16"``.

    Returns
    -------
    callable
        From a list of texts to float32 of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If the package is not installed.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EngineUnavailableError(
            "sentence-transformers is not installed (pip install 'sentence-transformers')"
        ) from error
    encoder = SentenceTransformer(
        str(locate_checkpoint(setup.model)),
        device=setup.device,
        model_kwargs={"dtype": precision},
    )
    return partial(
        encoder.encode, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True
    )

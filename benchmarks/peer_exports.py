"""A checkpoint as other libraries want it: a module to trace, a folder that keeps exports."""

import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .engines import Setup
from .errors import EngineUnavailableError
from .speed_model import ModelFacts

INPUTS = ("input_ids", "token_type_ids", "attention_mask")
FINGERPRINT_DIGITS = 16


def exported(setup: Setup, facts: ModelFacts, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of an export, made once.

    Parameters
    ----------
    setup : Setup
        Says where exports are kept.
    facts : ModelFacts
        Of the model; another model's exports lie elsewhere.
    name : str
        Of the export.
    make : callable
        Fills the folder it is given.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    EngineUnavailableError
        If the export failed.
    """
    home = setup.exports_folder / facts.fingerprint[:FINGERPRINT_DIGITS]
    folder = home / name
    if folder.is_dir():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    # Renamed when it is whole, so that a run that was stopped leaves no half of a model.
    unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=home))
    try:
        with warnings.catch_warnings():
            # Exporters warn of their own insides.
            warnings.simplefilter("ignore")
            make(unfinished)
        unfinished.rename(folder)
    except EngineUnavailableError:
        raise
    except Exception as error:
        if folder.is_dir():
            # Another process was quicker.
            return folder
        first_line = next(iter(str(error).splitlines()), "")
        raise EngineUnavailableError(
            f"the export {name} failed: {type(error).__name__}: {first_line}"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def hidden_states_module(facts: ModelFacts) -> Any:
    """Load the encoder with transformers, as a module of three tensors that can be traced.

    Parameters
    ----------
    facts : ModelFacts
        Of the model.

    Returns
    -------
    nn.Module
        From ids, token types and mask, int64 of shape (n_texts, longest), to hidden states.

    Raises
    ------
    EngineUnavailableError
        If transformers is not installed.
    """
    import torch

    try:
        from transformers import AutoModel
    except ImportError as error:
        raise EngineUnavailableError(
            "transformers is not installed (pip install transformers)"
        ) from error

    class HiddenStates(torch.nn.Module):
        """The last layer's output; the mask is widened here, because tracing fails inside."""

        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(str(facts.folder), dtype=torch.float32)

        def forward(self, input_ids: Any, token_type_ids: Any, attention_mask: Any) -> Any:
            """Encode padded texts."""
            outside = 1 - attention_mask[:, None, None, :].to(torch.float32)
            return self.model(
                input_ids=input_ids,
                token_type_ids=token_type_ids,
                attention_mask=outside * torch.finfo(torch.float32).min,
            ).last_hidden_state

    return HiddenStates().eval()


def example_inputs() -> dict[str, Any]:
    """Make inputs to trace with.

    Returns
    -------
    dict of str to int64 tensor of shape (2, 8)
        By the names of `INPUTS`.
    """
    import torch

    ids = torch.arange(16).reshape(2, 8) + 1
    return dict(zip(INPUTS, (ids, torch.zeros_like(ids), torch.ones_like(ids)), strict=True))

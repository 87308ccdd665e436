"""Architectures that the core does not have, through transformers, behind the same interface.

Optional: everything here needs the extra ``transformers``. Code from a checkpoint is run only if
the caller says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from skencoder.encoder import Boundaries, resolve_layer
from skencoder.errors import CheckpointError

# Tokens per text where a configuration knows no limit; what is longer is told, as ever.
UNSAID_LIMIT = 512


@dataclass(frozen=True, kw_only=True)
class TransformersConfig:
    """Sizes of a model of another library, under the names that `EncoderConfig` has.

    Parameters
    ----------
    vocab_size : int
        Rows of the token embedding table.
    hidden_size : int
        Width of every token vector.
    num_hidden_layers : int
        Layers in the stack.
    max_position_embeddings : int
        Longest text in tokens.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    max_position_embeddings: int


class TransformersEncoder(nn.Module):
    """A model of transformers that takes packed texts.

    Texts of one length go through it together, so that nothing is padded here either. It encodes;
    attention weights and `save_checkpoint` are the core's only.

    Parameters
    ----------
    model : nn.Module
        Takes ``input_ids`` and ``attention_mask``, gives ``hidden_states``.
    config : TransformersConfig
        Its sizes.
    """

    def __init__(self, model: nn.Module, config: TransformersConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config

    def forward_packed(
        self, input_ids: Tensor, boundaries: Boundaries, *, layer: int = -1
    ) -> Tensor:
        """Encode texts packed end to end.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, below ``vocab_size``.
        boundaries : Boundaries
            Where each text begins.
        layer : int, default=-1
            Which hidden state to return: 0 is the embeddings, -1 the last, after whatever norm
            the model ends with.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        depth = resolve_layer(layer, self.config.num_hidden_layers)
        blocks = []
        for run in boundaries.runs:
            ids = input_ids[run.start : run.stop].view(run.batch, run.sequence).long()
            blocks.append(self._encode(ids, depth).flatten(0, 1))
        return torch.cat(blocks)

    def _encode(self, input_ids: Tensor, depth: int) -> Tensor:
        inner = depth < self.config.num_hidden_layers
        output = self.model(
            input_ids=input_ids,
            attention_mask=torch.ones_like(input_ids),
            output_hidden_states=inner,
        )
        states: Tensor = output.hidden_states[depth] if inner else output.last_hidden_state
        return states

    def to_precision(self, dtype: torch.dtype) -> "TransformersEncoder":
        """Convert the weights, but not what the model computes in float32.

        Parameters
        ----------
        dtype : torch.dtype
            Of the weights.

        Returns
        -------
        TransformersEncoder
            The same, changed in place.
        """
        # Buffers hold the angles of rotary positions, which half precision would spoil.
        kept = set(getattr(self.model, "_keep_in_fp32_modules", None) or ())
        kept |= set(getattr(self.model, "_keep_in_fp32_modules_strict", None) or ())
        for name, parameter in self.model.named_parameters():
            if not kept & set(name.split(".")):
                parameter.data = parameter.data.to(dtype)
        return self


def load_transformers_encoder(
    path: Path, published: Mapping[str, Any], trust_remote_code: bool
) -> TransformersEncoder:
    """Load any encoder that transformers' AutoModel knows.

    Parameters
    ----------
    path : Path
        Its ``config.json``.
    published : mapping
        The fields of that file.
    trust_remote_code : bool
        Whether code from the checkpoint may be run, for an architecture that transformers does
        not have or a variant that the core refuses.

    Returns
    -------
    TransformersEncoder
        In evaluation mode, float32, on the CPU.

    Raises
    ------
    CheckpointError
        If transformers is not installed, does not know the architecture, or the weights are not
        whole.
    """
    model_type = published.get("model_type")
    try:
        import transformers
    except ImportError as error:
        raise CheckpointError(
            f"{path} has model_type={model_type!r}, which is computed by transformers: "
            f"pip install 'skencoder[transformers]'."
        ) from error
    known = isinstance(model_type, str) and model_type in transformers.CONFIG_MAPPING
    if not known and not trust_remote_code:
        raise CheckpointError(_unknown(path, model_type, "auto_map" in published))
    model, missing = _load_model(path, trust_remote_code)
    if missing:
        raise CheckpointError(
            f"The weights beside {path} lack {', '.join(missing[:5])}"
            f"{' and more' if len(missing) > 5 else ''}; they would be random."  # noqa: PLR2004
        )
    encoder = TransformersEncoder(model.eval().requires_grad_(False), _read_sizes(model, path))
    _check_model(encoder, path)
    return encoder


def _unknown(path: Path, model_type: object, has_code: bool) -> str:
    advice = (
        "Its folder brings code of its own, which is run only if you trust it: "
        "TextEncoder.load(..., trust_remote_code=True)."
        if has_code
        else "Check the field, or install a newer transformers."
    )
    return (
        f"{path} has model_type={model_type!r}, which neither this package nor transformers has. "
        f"{advice}"
    )


def _load_model(path: Path, trust_remote_code: bool) -> tuple[Any, list[str]]:
    from transformers import AutoModel

    try:
        model, info = AutoModel.from_pretrained(
            path.parent,
            trust_remote_code=trust_remote_code,
            dtype=torch.float32,
            output_loading_info=True,
            # Trusted code may lie in another repository than its weights.
            local_files_only=not trust_remote_code,
        )
    except Exception as error:  # the library raises what its readers raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path.parent} cannot be loaded by transformers: {reason}"
        ) from error
    # A pooler after the last layer is left out of many files and of every sentence vector.
    missing = sorted(key for key in info["missing_keys"] if not key.startswith("pooler."))
    # One text is encoded once: there is no next token to keep keys and values for.
    model.config.use_cache, model.config.return_dict = False, True
    if model.config.is_encoder_decoder:
        return model.get_encoder(), [key for key in missing if key.startswith("encoder.")]
    return model, missing


def _read_sizes(model: Any, path: Path) -> TransformersConfig:
    config = model.config.get_text_config()
    names = {
        "vocab_size": ("vocab_size",),
        "hidden_size": ("hidden_size", "d_model"),
        "num_hidden_layers": ("num_hidden_layers", "num_layers", "encoder_layers"),
    }
    sizes: dict[str, int] = {}
    for ours, theirs in names.items():
        found = [value for value in (getattr(config, name, None) for name in theirs) if value]
        if not found:
            raise CheckpointError(f"{path} does not say {' or '.join(theirs)}.")
        sizes[ours] = found[0]
    return TransformersConfig(**sizes, max_position_embeddings=_read_limit(model, config))


def _read_limit(model: Any, config: Any) -> int:
    for name, module in model.named_modules():
        # Rows up to the padding's are not used where positions are counted from it.
        if (
            name.endswith("position_embeddings")
            and getattr(module, "padding_idx", None) is not None
        ):
            return int(module.num_embeddings - module.padding_idx - 1)
    limits = (getattr(config, name, None) for name in ("max_position_embeddings", "n_positions"))
    return next((int(limit) for limit in limits if limit and limit > 0), UNSAID_LIMIT)


def _check_model(encoder: TransformersEncoder, path: Path) -> None:
    broken = [name for name, p in encoder.model.named_parameters() if not p.isfinite().all()]
    if broken:
        raise CheckpointError(f"The weights beside {path} hold NaN or infinity in {broken[:5]}.")
    try:
        with torch.no_grad():
            shape = encoder.forward_packed(torch.tensor([1]), Boundaries.from_lengths([1])).shape
    except Exception as error:  # whatever a model of unknown kind raises
        raise CheckpointError(
            f"{path} is of a model that does not encode texts alone ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else ''})."
        ) from error
    if shape != (1, encoder.config.hidden_size):
        raise CheckpointError(
            f"{path} is of a model that gives {tuple(shape)} for one token; (1, "
            f"{encoder.config.hidden_size}) was expected."
        )

"""How published files write rotary positions, in the layouts of several years."""

from collections.abc import Mapping
from typing import Any

from skencoder.encoder import EncoderConfig, Rotary


def read_rotary(fields: Mapping[str, Any], default_theta: float) -> Rotary:
    """Read one base for all layers.

    Parameters
    ----------
    fields : mapping
        Of ``config.json``: ``rope_parameters``, or ``rope_theta`` and ``rope_scaling``.
    default_theta : float
        The family's base where the file does not say.

    Returns
    -------
    Rotary
        Base and scale.

    Raises
    ------
    ValueError
        If the file asks for a scaling that is not computed here.
    """
    parameters = fields.get("rope_parameters") or {}
    theta = parameters.get("rope_theta", fields.get("rope_theta", default_theta))
    return _scaled(float(theta), fields.get("rope_scaling") or parameters, fields)


def _scaled(theta: float, scaling: Mapping[str, Any], fields: Mapping[str, Any]) -> Rotary:
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    factor = float(scaling.get("factor") or 1)
    if kind == "default":
        return Rotary(theta=theta)
    if kind == "linear":
        return Rotary(theta=theta, scale=factor)
    if kind == "ntk" and scaling.get("mixed_b") is None:
        # GTE's fixed form: a larger base, and all frequencies lower by the root of the factor.
        head_dim = fields["hidden_size"] // fields["num_attention_heads"]
        return Rotary(theta=theta * factor, scale=factor ** (2 / head_dim))
    raise ValueError(
        f"rope_scaling asks for {dict(scaling)}; supported are the types default, linear and ntk "
        f"(without mixed_b)."
    )


def write_rotary(config: EncoderConfig) -> dict[str, Any]:
    """Write one base for all layers, as transformers 5 reads it.

    Parameters
    ----------
    config : EncoderConfig
        Of the encoder.

    Returns
    -------
    dict
        The field ``rope_parameters``; nothing where positions are of another kind.
    """
    rotary = config.attention_positions
    if not isinstance(rotary, Rotary):
        return {}
    kind: dict[str, Any] = {"rope_type": "default"}
    if rotary.scale != 1:
        kind = {"rope_type": "linear", "factor": rotary.scale}
    return {"rope_parameters": {"rope_theta": rotary.theta, **kind}}

"""Sums of rows and their layer norm in one pass over memory, in Triton.

What is computed stands in plain.py, whose functions these equal up to rounding: sums and norms
are in float32 here whatever the tensors are. One program makes one row.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from skencoder.encoder.kernels.inputs import Lookup, Norm

# How a kernel finds a table's row: there is none, it is row 0 for all, or it is looked up.
ABSENT, FIRST, LOOKED_UP = 0, 1, 2
# From this width on a row is shared by more threads.
WIDE, WARPS, WARPS_IF_WIDE = 2048, 4, 8


def residual_norm(hidden_states: Tensor, added: Tensor, norm: Norm) -> Tensor:
    """Add two, then layer norm; the twin says it in full.

    Parameters
    ----------
    hidden_states, added : float of shape (tokens, hidden)
        Input and output of a sublayer.
    norm : Norm
        Of width hidden.

    Returns
    -------
    float of shape (tokens, hidden)
        Normalised sums, contiguous.
    """
    hidden_states, added = hidden_states.contiguous(), added.contiguous()
    normed = torch.empty_like(hidden_states)
    # Triton launches on the current device, which need not be the tensors'.
    with torch.cuda.device_of(normed):
        _residual_norm[(len(normed),)](hidden_states, added, normed, **_norm_arguments(norm))
    return normed


def embed_norm(
    tokens: Lookup, positions: Lookup | None, types: Lookup | None, norm: Norm
) -> Tensor:
    """Look vectors up, add them, then layer norm; the twin says it in full.

    Parameters
    ----------
    tokens : Lookup
        Table and ids; the ids must be below its length, which nobody checks.
    positions, types : Lookup or None
        The same for positions and segments; None adds nothing.
    norm : Norm
        Of the tables' width.

    Returns
    -------
    float of shape (tokens, hidden)
        Normalised sums, contiguous.

    Raises
    ------
    ValueError
        If there are no ids.
    """
    if tokens.rows is None:
        raise ValueError("embed_norm needs the tokens' ids; got a table without rows.")
    normed = tokens.table.new_empty(len(tokens.rows), tokens.table.shape[1])
    tables = (*tokens, *_pointers(positions, tokens), *_pointers(types, tokens))
    with torch.cuda.device_of(normed):
        _embed_norm[(len(normed),)](
            *tables,
            normed,
            positions_way=_way(positions),
            types_way=_way(types),
            **_norm_arguments(norm),
        )
    return normed


def _norm_arguments(norm: Norm) -> dict[str, Any]:
    width = len(norm.weight)
    return {
        "weight": norm.weight,
        # A pointer has to be something; this one is not followed.
        "bias": norm.weight if norm.bias is None else norm.bias,
        "width": width,
        "eps": norm.eps,
        "biased": norm.bias is not None,
        "block": triton.next_power_of_2(width),
        "num_warps": WARPS if width < WIDE else WARPS_IF_WIDE,
    }


def _pointers(lookup: Lookup | None, instead: Lookup) -> tuple[Any, Any]:
    table, rows = lookup or instead
    return table, instead.rows if rows is None else rows


def _way(lookup: Lookup | None) -> int:
    if lookup is None:
        return ABSENT
    return FIRST if lookup.rows is None else LOOKED_UP


@triton.jit
def _normalised(  # noqa: PLR0913, PLR0917 - as all in Triton, one argument per number
    row: tl.tensor,
    columns: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    width: tl.tensor,
    eps: tl.tensor,
    biased: tl.constexpr,
) -> tl.tensor:
    within = columns < width
    mean = tl.sum(row, axis=0) / width
    centred = tl.where(within, row - mean, 0.0)
    variance = tl.sum(centred * centred, axis=0) / width
    gain = tl.load(weight + columns, mask=within, other=0.0).to(tl.float32)
    scaled = centred / tl.sqrt(variance + eps) * gain
    if biased:
        scaled += tl.load(bias + columns, mask=within, other=0.0).to(tl.float32)
    return scaled


@triton.jit
def _residual_norm(  # noqa: PLR0913, PLR0917
    hidden_states: tl.tensor,
    added: tl.tensor,
    normed: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    width: tl.tensor,
    eps: tl.tensor,
    biased: tl.constexpr,
    block: tl.constexpr,
) -> None:
    columns = tl.arange(0, block)
    within = columns < width
    places = tl.program_id(0).to(tl.int64) * width + columns
    row = tl.load(hidden_states + places, mask=within, other=0.0).to(tl.float32)
    row += tl.load(added + places, mask=within, other=0.0).to(tl.float32)
    scaled = _normalised(row, columns, weight, bias, width, eps, biased)
    tl.store(normed + places, scaled.to(normed.dtype.element_ty), mask=within)


@triton.jit
def _table_row(
    table: tl.tensor,
    rows: tl.tensor,
    token: tl.tensor,
    columns: tl.tensor,
    width: tl.tensor,
    way: tl.constexpr,
) -> tl.tensor:
    place = columns
    if way == 2:  # noqa: PLR2004 - LOOKED_UP; a kernel sees no plain global
        place = tl.load(rows + token).to(tl.int64) * width + columns
    return tl.load(table + place, mask=columns < width, other=0.0).to(tl.float32)


@triton.jit
def _embed_norm(  # noqa: PLR0913, PLR0917
    token_table: tl.tensor,
    token_rows: tl.tensor,
    position_table: tl.tensor,
    position_rows: tl.tensor,
    type_table: tl.tensor,
    type_rows: tl.tensor,
    normed: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    width: tl.tensor,
    eps: tl.tensor,
    positions_way: tl.constexpr,
    types_way: tl.constexpr,
    biased: tl.constexpr,
    block: tl.constexpr,
) -> None:
    columns = tl.arange(0, block)
    token = tl.program_id(0).to(tl.int64)
    row = _table_row(token_table, token_rows, token, columns, width, 2)
    if positions_way:
        row += _table_row(position_table, position_rows, token, columns, width, positions_way)
    if types_way:
        row += _table_row(type_table, type_rows, token, columns, width, types_way)
    scaled = _normalised(row, columns, weight, bias, width, eps, biased)
    places = token * width + columns
    tl.store(normed + places, scaled.to(normed.dtype.element_ty), mask=columns < width)

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bias tables and weight rows as the program holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.compiler.schedule import Part
from corewright.program.tensor import pack_words


def bias_table(
    bias: npt.NDArray[np.integer[Any]], part: Part, drain: int, bias_bytes: int
) -> bytes:
    """Biases of each group and drain beat, zero where there is no channel.

    Args:
        bias: (CO,) aligned biases of the whole layer.
        part: the channels wanted.
        drain: D.
        bias_bytes: bytes of a bias, at most 8; the caller has checked that the values fit.
    """
    mine = bias[part.first_channel : part.first_channel + part.channels]
    width = -(-part.group_channels // drain) * drain
    table = np.zeros((part.groups, width), dtype="<i8")
    full = part.groups - 1
    table[:full, : part.group_channels] = mine[: full * part.group_channels].reshape(
        full, part.group_channels
    )
    table[full, : part.last_group_channels] = mine[full * part.group_channels :]
    # The last group drains only as many beats as it has channels for.
    beats = -(-part.last_group_channels // drain) * drain
    flat = table.reshape(-1)[: full * width + beats]
    return flat.view(np.uint8).reshape(-1, 8)[:, :bias_bytes].tobytes()


def weight_rows(weights: npt.NDArray[np.integer[Any]], part: Part, bits: int) -> bytes:
    """Rows of all groups, group after group, in (kh, kw, c) order.

    Args:
        weights: (KH, KW, CI, CO), each in ``bits`` signed bits.
        part: the channels wanted.
        bits: bits of a weight.
    """
    rows = weights.reshape(-1, weights.shape[-1])
    rows = rows[:, part.first_channel : part.first_channel + part.channels]
    narrow = rows.astype(np.int8 if bits <= 8 else np.int16)
    return b"".join(
        pack_words(narrow[:, first : first + part.group_channels], bits).tobytes()
        for first in range(0, part.channels, part.group_channels)
    )

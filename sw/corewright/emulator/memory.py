# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Tensors to arena bytes and back, for a hardware's lanes and pixel bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corewright.emulator.layer import HardwareLike
from corewright.program.tensor import TensorLayout


def pack_tensor(x: npt.ArrayLike, layout: TensorLayout, hardware: HardwareLike) -> bytes:
    """The memory image of an integer (N, H, W, C) tensor; raises as ``TensorLayout.pack``."""
    return layout.pack(x, hardware.rows, hardware.bits_input).tobytes()


def unpack_tensor(
    data: bytes | npt.NDArray[np.uint8], layout: TensorLayout, hardware: HardwareLike
) -> npt.NDArray[np.int64]:
    """The (N, H, W, C) int64 tensor in a memory image; raises as ``TensorLayout.unpack``."""
    image = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    return layout.unpack(image, hardware.rows, hardware.bits_input)

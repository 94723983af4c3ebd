# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Functional emulator of the program binary: the independent check of docs/architecture.md.

It knows nothing of the compiler or of the network: descriptors, weight streams and the arena are
all that it reads, as for the hardware.
"""

from corewright.emulator.layer import EmulatorError, HardwareLike
from corewright.emulator.memory import pack_tensor, unpack_tensor
from corewright.emulator.run import LayerTrace, run

__all__ = [
    "EmulatorError",
    "HardwareLike",
    "LayerTrace",
    "pack_tensor",
    "run",
    "unpack_tensor",
]

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Error codes that the accelerator reports: the one definition for RTL, firmware and Python.

``docs/architecture.md`` prints the same table for readers; a test compares the two.
"""

from __future__ import annotations

import enum


class ErrorCode(enum.IntEnum):
    """Value of ``STATUS.error_code`` after a run; ERROR_INFO says more where noted."""

    NONE = 0
    BAD_PROGRAM = 1
    WRONG_HARDWARE = 2
    BAD_DESCRIPTOR = 3
    WINDOW = 4
    AXI_READ_PROGRAM = 5
    AXI_READ_PIXELS = 6
    AXI_WRITE = 7
    WATCHDOG = 8
    ABORTED = 9


MEANING: dict[ErrorCode, str] = {
    ErrorCode.NONE: "no error",
    ErrorCode.BAD_PROGRAM: "magic, version or number of layers of the header",
    ErrorCode.WRONG_HARDWARE: "the program is for other hardware",
    ErrorCode.BAD_DESCRIPTOR: "a descriptor's CRC, opcode or sizes; info: its layer_index",
    ErrorCode.WINDOW: "an address outside program or arena; info: the offset",
    ErrorCode.AXI_READ_PROGRAM: "error response on the program port; info: the response",
    ErrorCode.AXI_READ_PIXELS: "error response on the input port; info: the response",
    ErrorCode.AXI_WRITE: "error response on the output port; info: the response",
    ErrorCode.WATCHDOG: "no byte moved, no tile ended for WATCHDOG cycles; info: state",
    ErrorCode.ABORTED: "CTRL.abort was written",
}

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Settings: Tcl files of assignments, ``set NAME VALUE`` a line, that scripts source.

Hardware's are written here; boards' (``boards/*/board.tcl``) are read, too.
"""

from __future__ import annotations

from pathlib import Path

from corewright.hardware import Hardware


def read_settings(path: Path) -> dict[str, str]:
    """Return the values of a file of settings, braces around a value taken off.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is neither empty, nor a comment, nor an assignment.
    """
    values = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        command, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        if command == "set" and name and value:
            braced = value.startswith("{") and value.endswith("}")
            values[name] = value[1:-1] if braced else value
        elif line and not line.startswith("#"):
            raise ValueError(f"{path}:{number}: is {line!r}, legal is set NAME VALUE")
    return values


def configuration_tcl(hw: Hardware) -> str:
    """Returns Tcl assignments of the values that synthesis and board scripts use."""
    values = {
        "FREQ": hw.frequency_mhz,
        "ROWS": hw.rows,
        "COLS": hw.columns,
        "DRAIN": hw.drain,
        "X_BITS": hw.bits_input,
        "K_BITS": hw.bits_weights,
        "Y_BITS": hw.bits_sum,
        "B_BITS": hw.bits_bias,
        "AXI_WIDTH": hw.axi_width,
        "AXI_ADDR_WIDTH": hw.address_width,
        "PIXEL_ROWS": hw.pixel_rows,
        "WEIGHT_ROWS": hw.weight_rows,
        "BIAS_ROWS": hw.bias_rows,
        "HW_HASH": f"0x{hw.hash:08x}",
    }
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# Copyright corewright contributors",
        "# Generated from a hardware description by corewright.export; do not edit.",
        *(f"set {key} {value}" for key, value in values.items()),
    ]
    return "\n".join([*lines, ""])

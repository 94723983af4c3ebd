# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""CGRA4ML's ``Hardware``: ours, with its further keywords."""

from __future__ import annotations

import re
from typing import Any

from corewright import hardware


class Hardware(hardware.Hardware):
    """An accelerator; keywords and defaults are those of :class:`corewright.Hardware`, and these.

    Files hold the keywords of :class:`corewright.Hardware` only.

    Args:
        *args: as :class:`corewright.Hardware`.
        max_n_bundles: most bundles of a model: at least so many layers the performance counters
            record (``perf_layers``).
        header_width: the reference's packet header; this dataflow has none. Any positive integer.
        config_baseaddr: base address of the registers in hexadecimal, for the user's own software:
            systems assign it when they are built.
        axi_max_burst_len: longest AXI burst in beats (``max_burst_beats``).
        **options: as :class:`corewright.Hardware`; its own ``max_burst_beats`` and ``perf_layers``
            win.

    Raises:
        ValueError: a parameter is out of range; the message names it, its value and what is legal.
    """

    max_n_bundles: int
    header_width: int
    config_baseaddr: str
    axi_max_burst_len: int

    def __init__(
        self,
        *args: Any,
        max_n_bundles: int = 64,
        header_width: int = 64,
        config_baseaddr: str = "B0000000",
        axi_max_burst_len: int = 16,
        **options: Any,
    ) -> None:
        for name, number, high in (
            ("max_n_bundles", max_n_bundles, 1 << 16),
            ("header_width", header_width, 1 << 16),
            ("axi_max_burst_len", axi_max_burst_len, 256),
        ):
            if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= high:
                raise ValueError(f"{name} is {number!r}, legal is an integer 1..{high}")
        address = str(config_baseaddr)
        if not re.fullmatch(r"(0[xX])?[0-9a-fA-F]{1,16}", address):
            raise ValueError(
                f"config_baseaddr is {config_baseaddr!r}, legal are up to 16 hexadecimal digits"
            )
        options.setdefault("max_burst_beats", axi_max_burst_len)
        options.setdefault("perf_layers", max(max_n_bundles, hardware.Hardware.perf_layers))
        # Frozen, as its base is.
        for name, value in (
            ("max_n_bundles", max_n_bundles),
            ("header_width", header_width),
            ("config_baseaddr", address),
            ("axi_max_burst_len", axi_max_burst_len),
        ):
            object.__setattr__(self, name, value)
        super().__init__(*args, **options)

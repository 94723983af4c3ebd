# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""CGRA4ML's ``Hardware``: ours, with its further keywords."""

from __future__ import annotations

import re
from typing import Any, Self

from corewright import hardware
from corewright.dialects.deepsocflow import hardware as scripts

# CGRA4ML's order: scripts may give them by position.
_ORDER = (
    *("processing_elements", "frequency_mhz", "bits_input", "bits_weights", "bits_sum"),
    *("bits_bias", "max_batch_size", "max_channels_in", "max_kernel_size", "max_image_size"),
    *("max_n_bundles", "ram_weights_depth", "ram_edges_depth", "axi_width", "header_width"),
    *("config_baseaddr", "axi_max_burst_len", "target_cpu_int_bits", "async_resetn"),
    *("valid_prob", "ready_prob", "data_dir", "tb_module"),
)


class Hardware(scripts.Hardware):
    """An accelerator; keywords and defaults are those of :class:`corewright.Hardware`, and these.

    Args:
        *args: in CGRA4ML's order.
        max_n_bundles: most bundles of a model: at least so many layers the performance counters
            record (``perf_layers``).
        header_width: the reference's packet header; this dataflow has none. Any positive integer.
        config_baseaddr: base address of the registers in hexadecimal, for the user's own software:
            systems assign it when they are built.
        axi_max_burst_len: longest AXI burst in beats (``max_burst_beats``).
        tb_module: the top of the reference's simulation; one serves here. Any identifier.
        **options: as :class:`corewright.Hardware`; its own ``max_burst_beats`` and ``perf_layers``
            win.

    Raises:
        ValueError: a parameter is out of range; the message names it, its value and what is legal.
        TypeError: a parameter is given twice, or there is none of this name.
    """

    max_n_bundles: int
    header_width: int
    config_baseaddr: str
    axi_max_burst_len: int
    tb_module: str

    def __init__(self, *args: Any, **options: Any) -> None:
        if len(args) > len(_ORDER):
            raise TypeError(f"Hardware: {len(args)} arguments, legal are up to {len(_ORDER)}")
        given = dict(zip(_ORDER, args, strict=False))
        if twice := sorted(given.keys() & options.keys()):
            raise TypeError(f"Hardware: {twice[0]} is given twice, legal is once")
        options |= given
        numbers = {}
        for name, default, high in (
            ("max_n_bundles", 64, 1 << 16),
            ("header_width", 64, 1 << 16),
            ("axi_max_burst_len", 16, 256),
        ):
            numbers[name] = hardware.integer(name, options.pop(name, default), 1, high)
        address = options.pop("config_baseaddr", "B0000000")
        if not re.fullmatch(r"(0[xX])?[0-9a-fA-F]{1,16}", str(address)):
            raise ValueError(
                f"config_baseaddr is {address!r}, legal are up to 16 hexadecimal digits"
            )
        top = options.pop("tb_module", "top_tb")
        if not re.fullmatch(r"[A-Za-z_]\w*", str(top)):
            raise ValueError(f"tb_module is {top!r}, legal is a module's name; it has no effect")
        options.setdefault("max_burst_beats", numbers["axi_max_burst_len"])
        options.setdefault(
            "perf_layers", max(numbers["max_n_bundles"], hardware.Hardware.perf_layers)
        )
        # Frozen, as its base is.
        further = {**numbers, "config_baseaddr": str(address), "tb_module": str(top)}
        for name, value in further.items():
            object.__setattr__(self, name, value)
        super().__init__(**options)

    @property
    def MAX_N_BUNDLES(self) -> int:  # noqa: N802 - CGRA4ML's name
        """CGRA4ML's name of ``max_n_bundles``."""
        return self.max_n_bundles

    @property
    def HEADER_WIDTH(self) -> int:  # noqa: N802 - CGRA4ML's name
        """CGRA4ML's name of ``header_width``."""
        return self.header_width

    @property
    def CONFIG_BASEADDR(self) -> str:  # noqa: N802 - CGRA4ML's name
        """CGRA4ML's name of ``config_baseaddr``."""
        return self.config_baseaddr

    @property
    def AXI_MAX_BURST_LEN(self) -> int:  # noqa: N802 - CGRA4ML's name
        """CGRA4ML's name of ``axi_max_burst_len``."""
        return self.axi_max_burst_len

    @property
    def TB_MODULE(self) -> str:  # noqa: N802 - CGRA4ML's name
        """CGRA4ML's name of ``tb_module``."""
        return self.tb_module

    def to_dict(self) -> dict[str, Any]:
        """All parameters; :class:`corewright.Hardware` reads them, too, and leaves these out."""
        further = {name: getattr(self, name) for name in sorted(hardware.FURTHER_PARAMETERS)}
        return {**super().to_dict(), **further}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`; see :meth:`corewright.Hardware.from_dict`."""
        # Its base checks the names, and the values again.
        hardware.Hardware.from_dict(values)
        return cls(**values)

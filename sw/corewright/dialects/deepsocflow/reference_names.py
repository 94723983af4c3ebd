# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The reference's public attributes of its ``Hardware``, for scripts that read them.

Those that size packets and counters of its dataflow (``L_MAX``, ``BITS_KW2``, ...) are not among
them: nothing here corresponds to them.
"""

from __future__ import annotations

from typing import Any


class ReferenceNames:
    """The reference's names of a hardware's parameters, read-only."""

    @property
    def params(self: Any) -> dict[str, Any]:
        """Every parameter by its name, as it was given or by default."""
        return self.to_dict()

    @property
    def ROWS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``rows``."""
        return self.rows

    @property
    def COLS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``columns``."""
        return self.columns

    @property
    def FREQ(self: Any) -> float:  # noqa: N802 - the reference's name
        """The reference's name of ``frequency_mhz``."""
        return self.frequency_mhz

    @property
    def X_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``bits_input``."""
        return self.bits_input

    @property
    def K_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``bits_weights``."""
        return self.bits_weights

    @property
    def Y_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``bits_sum``."""
        return self.bits_sum

    @property
    def B_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``bits_bias``."""
        return self.bits_bias

    @property
    def XN_MAX(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``max_batch_size``."""
        return self.max_batch_size

    @property
    def CI_MAX(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``max_channels_in``."""
        return self.max_channels_in

    @property
    def KH_MAX(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of the rows of ``max_kernel_size``."""
        return self.max_kernel[0]

    @property
    def KW_MAX(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of the columns of ``max_kernel_size``."""
        return self.max_kernel[1]

    @property
    def XH_MAX(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of the rows of ``max_image_size``."""
        return self.max_image[0]

    @property
    def XW_MAX(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of the columns of ``max_image_size``."""
        return self.max_image[1]

    @property
    def IN_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``axi_width``."""
        return self.axi_width

    @property
    def OUT_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``axi_width``."""
        return self.axi_width

    @property
    def AXI_WIDTH(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``axi_width``."""
        return self.axi_width

    @property
    def INT_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``target_cpu_int_bits``."""
        return self.target_cpu_int_bits

    @property
    def ASYNC_RESETN(self: Any) -> bool:  # noqa: N802 - the reference's name
        """The reference's name of ``async_resetn``."""
        return self.async_resetn

    @property
    def RAM_WEIGHTS_DEPTH(self: Any) -> int:  # noqa: N802 - the reference's name
        """The reference's name of ``ram_weights_depth``."""
        return self.ram_weights_depth

    @property
    def RAM_EDGES_DEPTH(self: Any) -> int | None:  # noqa: N802 - the reference's name
        """The reference's name of ``ram_edges_depth``."""
        return self.ram_edges_depth

    @property
    def DATA_DIR(self: Any) -> str:  # noqa: N802 - the reference's name
        """The reference's name of ``data_dir``."""
        return self.data_dir

    @property
    def VALID_PROB(self: Any) -> int:  # noqa: N802 - the reference's name
        """``valid_prob`` in thousandths, rounded down."""
        return int(self.valid_prob * 1000)

    @property
    def READY_PROB(self: Any) -> int:  # noqa: N802 - the reference's name
        """``ready_prob`` in thousandths, rounded down."""
        return int(self.ready_prob * 1000)

    @property
    def Y_OUT_BITS(self: Any) -> int:  # noqa: N802 - the reference's name
        """``bits_sum`` rounded up to a power of two."""
        return 1 << (self.bits_sum - 1).bit_length()

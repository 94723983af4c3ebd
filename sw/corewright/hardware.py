# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The description of one accelerator: everything else about its hardware is derived from it.

It writes no files and runs no tools: that is ``corewright.export`` and ``corewright.flow``. What
scripts call is ``corewright.Hardware``, this class with the methods that do either; see
``corewright.dialects.deepsocflow``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from corewright.facts import widths
from corewright.files import UnreadableFileError, brief, read_json

Pair = tuple[int, int]

# Buffer addresses have 24 bits in the program format.
MAX_BUFFER_ROWS = 1 << 24


# What a dialect's hardware.json holds besides, without a meaning here: see corewright.dialects.
FURTHER_PARAMETERS = frozenset(
    ("max_n_bundles", "header_width", "config_baseaddr", "axi_max_burst_len", "tb_module")
)


def _plain(value: object) -> object:
    """NumPy's numbers and arrays as Python's, alone or in a tuple or list."""
    if isinstance(value, tuple | list):
        return type(value)(_plain(part) for part in value)
    return value.tolist() if hasattr(value, "tolist") else value


def integer(name: str, value: object, low: int, high: int, why: str = "") -> int:
    """``value`` as an int of low..high; ValueError that names it otherwise."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}, legal is an integer {low}..{high}{why}")
    return value


def _pair(name: str, value: object, limits: tuple[Pair, Pair]) -> Pair:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(f"{name} is {value!r}, legal is a pair of integers")
    (low0, high0), (low1, high1) = limits
    return (
        integer(f"{name}[0]", value[0], low0, high0),
        integer(f"{name}[1]", value[1], low1, high1),
    )


def _size(name: str, value: object, high: int) -> int | Pair:
    """An int or a pair of (rows, columns)."""
    if isinstance(value, tuple | list):
        return _pair(name, value, ((1, high), (1, high)))
    return integer(name, value, 1, high)


def _bits(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in (*range(1, 9), 16):
        raise ValueError(f"{name} is {value!r}, legal are 1..8 and 16")
    return value


def _probability(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"{name} is {value!r}, legal is a number above 0 and up to 1")
    return value


@dataclass(frozen=True)
class Hardware:
    """One accelerator and how it is simulated; keywords and defaults as in the reference's scripts.

    Parameters that the raster-block dataflow has no use for are accepted and keep their meaning as
    limits: a model beyond ``max_batch_size``, ``max_kernel_size`` (convolutions) or
    ``max_image_size`` is refused by the compiler; the hardware itself has no such limits. A batch
    of vectors may reach ``max_image_size``, as in the reference.

    Attributes:
        processing_elements: (rows R, columns C) of multiply-add units: R pixels times C output
            channels a cycle.
        frequency_mhz: clock in MHz.
        bits_input: width of activations (signed): 1 to 8, or 16.
        bits_weights: width of weights (signed): 1 to 8, or 16.
        bits_sum: width of an accumulator, 8 to 40. Overflow is judged from a model's weights.
        bits_bias: width of the biases that front ends quantise to.
        max_batch_size: largest batch.
        max_channels_in: most channels; sizes the bias buffer.
        max_kernel_size: largest kernel, an int or (rows, columns).
        max_image_size: largest feature map, an int or (rows, columns).
        ram_weights_depth: rows of the weight ring, C weights each.
        ram_edges_depth: the reference's edge RAM; here a lower bound of ``pixel_buffer_depth``.
        axi_width: data bits of the AXI4 ports: a power of two, 32 to 512.
        target_cpu_int_bits: width of the CPU's int.
        async_resetn: accepted for scripts; all registers reset asynchronously in either case: a
            reset that is synchronous to the clock satisfies them, too.
        valid_prob: probability that a read channel of the simulated memory does not stall.
        ready_prob: the same of a write channel.
        data_dir: folder of generated vectors.
        drain_width: channels D of a buffer entry, which pools and depthwise layers compute side by
            side, a divisor of the columns; None: the largest up to 4.
        pixel_buffer_depth: pixel-buffer words a lane; None: ``max(ram_edges_depth, 2048)``.
        address_width: bits of an AXI address.
        max_burst_beats: longest AXI burst; a burst may not exceed 4096 bytes.
        max_outstanding: AXI bursts in flight a port.
        perf_layers: layers that the performance counters record.
        bias_buffer_depth: biases of a layer that the bias buffer holds; None: ``max_channels_in``
            rounded up to D, at least 512.

    Raises:
        ValueError: a parameter is out of range; the message names it, its value and what is legal.
    """

    processing_elements: Pair = (8, 24)
    frequency_mhz: float = 250
    bits_input: int = 4
    bits_weights: int = 4
    bits_sum: int = 16
    bits_bias: int = 16
    max_batch_size: int = 512
    max_channels_in: int = 512
    max_kernel_size: int | Pair = 13
    max_image_size: int | Pair = 32
    ram_weights_depth: int = 512
    ram_edges_depth: int | None = 288
    axi_width: int = 64
    target_cpu_int_bits: int = 32
    async_resetn: bool = True
    valid_prob: float = 0.01
    ready_prob: float = 0.1
    data_dir: str = "vectors/"
    drain_width: int | None = None
    pixel_buffer_depth: int | None = None
    address_width: int = 40
    max_burst_beats: int = 64
    max_outstanding: int = 8
    perf_layers: int = 256
    bias_buffer_depth: int | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _plain(getattr(self, field.name)))
        legal: dict[str, object] = {
            "processing_elements": _pair(
                "processing_elements", self.processing_elements, ((1, 128), (1, 128))
            ),
            "bits_input": _bits("bits_input", self.bits_input),
            "bits_weights": _bits("bits_weights", self.bits_weights),
            "max_kernel_size": _size("max_kernel_size", self.max_kernel_size, 1 << 15),
            "max_image_size": _size("max_image_size", self.max_image_size, 1 << 15),
            "valid_prob": _probability("valid_prob", self.valid_prob),
            "ready_prob": _probability("ready_prob", self.ready_prob),
        }
        for name, low, high in (
            ("bits_sum", 8, 40),
            ("bits_bias", 1, 48),
            ("max_batch_size", 1, 1 << 24),
            ("max_channels_in", 1, (1 << 16) - 1),
            ("ram_weights_depth", 2, MAX_BUFFER_ROWS),
            ("address_width", 32, 64),
            ("max_outstanding", 1, 64),
            ("perf_layers", 1, 1 << 16),
        ):
            legal[name] = integer(name, getattr(self, name), low, high)
        for name, choices in (
            ("axi_width", (32, 64, 128, 256, 512)),
            ("target_cpu_int_bits", (8, 16, 32, 64)),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or value not in choices:
                raise ValueError(f"{name} is {value!r}, legal are {', '.join(map(str, choices))}")
            legal[name] = int(value)
        beats = 4096 // (self.axi_width // 8)
        legal["max_burst_beats"] = integer(
            "max_burst_beats",
            self.max_burst_beats,
            1,
            min(256, beats),
            f" (bursts of at most 4096 bytes at axi_width={self.axi_width})",
        )
        frequency = self.frequency_mhz
        if isinstance(frequency, bool) or not isinstance(frequency, int | float):
            raise ValueError(f"frequency_mhz is {frequency!r}, legal is a number above 0")
        if not (math.isfinite(frequency) and frequency > 0):
            raise ValueError(f"frequency_mhz is {frequency!r}, legal is a number above 0")
        if not isinstance(self.async_resetn, bool):
            raise ValueError(f"async_resetn is {self.async_resetn!r}, legal are True and False")
        if not isinstance(self.data_dir, str | os.PathLike) or not os.fspath(self.data_dir):
            raise ValueError(f"data_dir is {self.data_dir!r}, legal is the name of a folder")
        legal["data_dir"] = os.fspath(self.data_dir)
        for name, value in legal.items():
            object.__setattr__(self, name, value)

        if self.drain_width is not None:
            drain = integer("drain_width", self.drain_width, 1, self.columns)
            if self.columns % drain:
                divisors = [d for d in range(1, self.columns + 1) if self.columns % d == 0]
                raise ValueError(
                    f"drain_width is {drain}, legal are the divisors of {self.columns} columns: "
                    f"{', '.join(map(str, divisors))}"
                )
        for name in ("ram_edges_depth", "pixel_buffer_depth", "bias_buffer_depth"):
            value = getattr(self, name)
            if value is not None:
                low = 1 if name == "ram_edges_depth" else self.drain
                integer(name, value, low, MAX_BUFFER_ROWS * self.drain)

    # ------------------------------------------------------------------ what follows from it
    @property
    def rows(self) -> int:
        """R: pixel lanes."""
        return self.processing_elements[0]

    @property
    def columns(self) -> int:
        """C: output channels of a group."""
        return self.processing_elements[1]

    @cached_property
    def drain(self) -> int:
        """D: channels of a buffer entry, and of pools and depthwise layers."""
        if self.drain_width is not None:
            return self.drain_width
        return next(d for d in (4, 3, 2, 1) if self.columns % d == 0)

    @property
    def drain_words(self) -> int:
        """W: channels that leave the array a cycle."""
        port = widths.port_words(self.word_bytes, self.axi_width)
        half = widths.half_drain(self.drain, port, self.axi_width)
        return widths.drain_words(self.drain, port, half)

    @property
    def word_bytes(self) -> int:
        """WB: bytes of the R lanes of one channel in memory."""
        return widths.word_bytes(self.rows, self.bits_input)

    @property
    def unit_bytes(self) -> int:
        """Bytes of which every word's address and size are multiples."""
        return widths.unit_bytes(widths.beat_and_rest(self.word_bytes, self.axi_width))

    @property
    def post_bits(self) -> int:
        """Width of post-processing's sums (with pre-shift and bias)."""
        return widths.post_bits(self.bits_sum)

    @property
    def bias_bytes(self) -> int:
        """Bytes of one bias in the program."""
        return widths.bias_bytes(self.post_bits)

    @property
    def axi_bytes(self) -> int:
        """Bytes of an AXI beat."""
        return self.axi_width // 8

    @property
    def pixel_rows(self) -> int:
        """Entries of a pixel-buffer bank, D channels each."""
        depth = self.pixel_buffer_depth
        if depth is None:
            depth = max(self.ram_edges_depth or 0, 2048)
        return -(-depth // self.drain)

    @property
    def weight_rows(self) -> int:
        """Entries of the weight ring, C weights each."""
        return self.ram_weights_depth

    @property
    def bias_rows(self) -> int:
        """Entries of the bias buffer a layer, D biases each."""
        depth = self.bias_buffer_depth
        if depth is None:
            depth = max(self.max_channels_in, 512)
        return -(-depth // self.drain)

    @property
    def max_kernel(self) -> Pair:
        """``max_kernel_size`` as (rows, columns)."""
        size = self.max_kernel_size
        return (size, size) if isinstance(size, int) else size

    @property
    def max_image(self) -> Pair:
        """``max_image_size`` as (rows, columns)."""
        size = self.max_image_size
        return (size, size) if isinstance(size, int) else size

    @cached_property
    def hash(self) -> int:
        """CRC-32 of the parameters that a program depends on: other hardware refuses it."""
        names = ["rows", "columns", "drain", "bits_input", "bits_weights", "bits_sum"]
        names += ["pixel_rows", "weight_rows", "bias_rows"]
        return zlib.crc32(",".join(f"{name}={getattr(self, name)}" for name in names).encode())

    # ------------------------------------------------------------------ files
    def to_dict(self) -> dict[str, Any]:
        """All parameters, JSON-compatible, in the constructor's order."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`; parameters left out take their defaults.

        Those that only a dialect's hardware has are passed over.

        Raises:
            ValueError: an unknown parameter, or a value that is out of range.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        values = {key: value for key, value in values.items() if key not in FURTHER_PARAMETERS}
        if unknown := sorted(set(values) - set(names)):
            raise ValueError(
                f"unknown hardware parameter {', '.join(unknown)}, legal are {', '.join(names)}"
            )
        return cls(**values)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str] = "./hardware.json") -> Self:
        """Reads a JSON file of :meth:`to_dict`, or the hardware of a report of ``sim``.

        Parameters left out take their defaults.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is not a JSON object, or has an unknown parameter or a bad value.
        """
        try:
            values = read_json(path)
        except UnreadableFileError as error:
            raise ValueError(f"{path}: {error}") from error
        if not isinstance(values, dict):
            raise ValueError(f"{path}: is a {type(values).__name__}, legal is a JSON object")
        if isinstance(values.get("hardware"), dict):
            values = {key: value for key, value in values["hardware"].items() if key != "hash"}
        try:
            return cls.from_dict(values)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{path}: {brief(error)}") from error

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Activation tensors in memory: ``[block][channel]`` of words (docs/architecture.md).

A word packs lanes (or a weight row its channels) of 1 to 16 bits, two's complement, the first in
the lowest bits, and is padded with zero bits to whole bytes. A single bit b stands for 1 - 2b: +1
or -1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corewright.facts.widths import is_sign, number_range, word_bytes

MAX_BITS = 16


def pack_words(values: npt.ArrayLike, bits: int) -> npt.NDArray[np.uint8]:
    """Packs the last axis of an integer array into words.

    Args:
        values: (..., rows), each in [-2**(bits-1), 2**(bits-1) - 1]. A single bit says whether a
            value of -1, 0 or 1 is negative, so that 0 comes back as 1.
        bits: bits of an element, 1 to 16.

    Returns:
        (..., word_bytes(rows, bits)) uint8.

    Raises:
        ValueError: a bit width that words cannot have, or a value that does not fit it.
        TypeError: the values are not integers.
    """
    values = np.asarray(values)
    _check_bits(bits)
    if values.dtype.kind not in "iub":
        raise TypeError(f"words hold integers, not {values.dtype}")
    low, high = number_range(bits)
    if values.size and (values.min() < low or values.max() > high):
        raise ValueError(
            f"values from {values.min()} to {values.max()} do not fit {bits} signed bits "
            f"({low} to {high})"
        )
    rows = values.shape[-1]
    if bits in (8, 16):
        plain = np.ascontiguousarray(values.astype(f"<i{bits // 8}"))
        return plain.view(np.uint8).reshape(*values.shape[:-1], rows * bits // 8)
    if is_sign(bits):
        return np.packbits(values < 0, axis=-1, bitorder="little")
    unsigned = values.astype(np.int16).view(np.uint16)
    flags = np.empty((*values.shape, bits), dtype=np.uint8)
    for bit in range(bits):
        flags[..., bit] = (unsigned >> bit) & 1
    flags = flags.reshape(*values.shape[:-1], rows * bits)
    return np.packbits(flags, axis=-1, bitorder="little")


def unpack_words(words: npt.NDArray[np.uint8], rows: int, bits: int) -> npt.NDArray[np.int16]:
    """The inverse of :func:`pack_words`; padding bits are ignored.

    Args:
        words: (..., word_bytes(rows, bits)) uint8.
        rows: elements of a word.
        bits: bits of an element, 1 to 16.

    Returns:
        (..., rows) int16; single bits are 1 and -1.

    Raises:
        ValueError: a bit width that words cannot have, or words of another length.
    """
    _check_bits(bits)
    size = word_bytes(rows, bits)
    if words.shape[-1] != size:
        raise ValueError(f"a word of {rows} x {bits} bits has {size} bytes, not {words.shape[-1]}")
    words = np.ascontiguousarray(words)
    shape = (*words.shape[:-1], rows)
    if bits == 8:
        return words.view(np.int8).astype(np.int16)
    if bits == 16:
        return words.view("<i2").astype(np.int16, copy=False)
    if is_sign(bits):
        flags = np.unpackbits(words, axis=-1, count=rows, bitorder="little")
        return 1 - 2 * flags.astype(np.int16)
    # Element i starts at bit i*bits: take the three bytes that can hold it, shift, extend the sign.
    starts = np.arange(rows) * bits
    byte, shift = starts >> 3, (starts & 7).astype(np.uint32)
    raw = words[..., byte].astype(np.uint32)
    for further in (1, 2):
        # Bits beyond the word's end belong to no element, so any byte will do there.
        raw |= words[..., np.minimum(byte + further, size - 1)].astype(np.uint32) << (8 * further)
    raw >>= shift
    raw <<= np.uint32(32 - bits)
    result: npt.NDArray[np.int16] = (raw.view(np.int32) >> (32 - bits)).astype(np.int16)
    return result.reshape(shape)


def _check_bits(bits: int) -> None:
    if not 1 <= bits <= MAX_BITS:
        raise ValueError(f"an element has 1 to {MAX_BITS} bits, not {bits}")


@dataclass(frozen=True)
class TensorLayout:
    """Where the pixels of an (N, H, W, C) tensor lie in memory.

    Pixel (n, h, w) has position (n * image_rows + h) * pitch + w; lanes of positions that are no
    pixel hold unspecified values.

    Attributes:
        batch: N, images.
        height: H.
        width: W.
        channels: C, words of a block.
        pitch: positions of an image row, at least W.
        image_rows: HS, image rows from an image to the next, at least H.
        blocks: blocks of R lanes that the tensor has.

    Raises:
        ValueError: a size below 1, a pitch or image_rows that is too small.
    """

    batch: int
    height: int
    width: int
    channels: int
    pitch: int
    image_rows: int
    blocks: int

    def __post_init__(self) -> None:
        for name in ("batch", "height", "width", "channels", "blocks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: a tensor needs at least 1")
        if self.pitch < self.width or self.image_rows < self.height:
            raise ValueError(
                f"pitch {self.pitch} x image_rows {self.image_rows} cannot hold images of "
                f"{self.width} x {self.height} (width x height)"
            )

    @classmethod
    def of(
        cls,
        shape: tuple[int, int, int, int],
        rows: int,
        *,
        pitch: int | None = None,
        image_rows: int | None = None,
    ) -> TensorLayout:
        """The layout of a tensor of ``shape`` (N, H, W, C) on ``rows`` lanes.

        Pitch and image rows are as small as possible where they are not given.
        """
        batch, height, width, channels = shape
        pitch = width if pitch is None else pitch
        image_rows = height if image_rows is None else image_rows
        blocks = -(-batch * image_rows * pitch // rows)
        return cls(batch, height, width, channels, pitch, image_rows, blocks)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, H, W, C)."""
        return self.batch, self.height, self.width, self.channels

    @property
    def positions(self) -> int:
        """Raster positions, pixels or not: N * HS * P."""
        return self.batch * self.image_rows * self.pitch

    def word_bytes(self, rows: int, bits: int) -> int:
        """Bytes of a word on ``rows`` lanes of ``bits`` bits."""
        return word_bytes(rows, bits)

    def nbytes(self, rows: int, bits: int) -> int:
        """Bytes of the tensor."""
        return self.blocks * self.channels * word_bytes(rows, bits)

    def mask(self, rows: int, bits: int) -> npt.NDArray[np.uint8]:
        """Return which bits of the memory image are specified: pixels, and the padding of words.

        Args:
            rows: lanes of a word.
            bits: bits of an element, 1 to 16.

        Returns:
            (nbytes,) uint8.

        Raises:
            ValueError: blocks x rows lanes that do not hold the raster.
        """
        ones = self.pack(np.full(self.shape, -1, dtype=np.int8), rows, bits)
        padding = -rows * bits % 8
        if padding:
            last = ones.reshape(-1, word_bytes(rows, bits))[:, -1]
            last |= (0xFF << (8 - padding)) & 0xFF
        return ones

    def pack(
        self, x: npt.ArrayLike, rows: int, bits: int, *, fill: int = 0
    ) -> npt.NDArray[np.uint8]:
        """Packs a tensor to its memory image.

        Args:
            x: (N, H, W, C) integers that fit ``bits`` signed bits.
            rows: lanes of a word.
            bits: bits of an element, 1 to 16.
            fill: value of the lanes that are no pixel (tests use it to show that nobody reads
                them).

        Returns:
            (nbytes,) uint8.

        Raises:
            ValueError: another shape, values that do not fit, or blocks x rows lanes that do not
                hold the raster.
            TypeError: x holds no integers.
        """
        x = np.asarray(x)
        if x.shape != self.shape:
            raise ValueError(f"the layout is for {self.shape}, got {x.shape}")
        self._check_rows(rows)
        if x.dtype.kind not in "iub":
            raise TypeError(f"tensors hold integers, not {x.dtype}")
        # int16 holds every legal value; a wider type keeps illegal ones for the range check.
        dtype = np.int64 if x.dtype.itemsize > 2 or x.dtype.kind == "u" else np.int16
        raster = np.full((self.blocks * rows, self.channels), fill, dtype=dtype)
        image = raster[: self.positions].reshape(
            self.batch, self.image_rows, self.pitch, self.channels
        )
        image[:, : self.height, : self.width] = x
        words = raster.reshape(self.blocks, rows, self.channels).transpose(0, 2, 1)
        return pack_words(words, bits).reshape(-1)

    def unpack(self, data: npt.NDArray[np.uint8], rows: int, bits: int) -> npt.NDArray[np.int64]:
        """The inverse of :meth:`pack`: (nbytes,) uint8 to (N, H, W, C) int64.

        Raises:
            ValueError: another number of bytes.
        """
        self._check_rows(rows)
        data = np.asarray(data, dtype=np.uint8).reshape(-1)
        if data.size != self.nbytes(rows, bits):
            raise ValueError(f"the tensor has {self.nbytes(rows, bits)} bytes, got {data.size}")
        words = unpack_words(data.reshape(self.blocks, self.channels, -1), rows, bits)
        raster = words.transpose(0, 2, 1).reshape(self.blocks * rows, self.channels)
        image = raster[: self.positions].reshape(
            self.batch, self.image_rows, self.pitch, self.channels
        )
        return image[:, : self.height, : self.width].astype(np.int64)

    def _check_rows(self, rows: int) -> None:
        if rows < 1 or self.blocks * rows < self.positions:
            raise ValueError(
                f"{self.blocks} blocks of {rows} lanes do not hold {self.positions} positions"
            )

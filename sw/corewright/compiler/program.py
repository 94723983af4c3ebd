# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The result of a compilation: program bytes, and where everything is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.compiler.operation import Contents, TensorSlice
from corewright.hardware import Hardware
from corewright.program.tensor import TensorLayout

ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PlacedTensor:
    """A tensor in the arena.

    Attributes:
        name: of the graph's tensor.
        layout: its raster and words.
        offset: bytes from the arena's start.
        nbytes: its size.
        kept: no later layer overwrites it: it can be read after the run.
        values: what it holds: the tensor of the graph of its own name, unless it is one that the
            compiler has added.
    """

    name: str
    layout: TensorLayout
    offset: int
    nbytes: int
    kept: bool
    values: Contents


@dataclass(frozen=True)
class CompiledLayer:
    """One descriptor.

    Attributes:
        name: the node's name; ``name#i`` where a node is split into several descriptors.
        node: the node's name.
        type: ``conv``, ``dense``, ``depthwise``, ``max_pool``, ``average_pool``, ``sum_pool``,
            ``matmul``, ``transpose``, ``upsample``, ``add`` or ``copy``: see
            :class:`corewright.compiler.operation.Operation`.
        addition: name of the addition's node that it computes, too; the tensor between the two
            does not exist in memory. None: there is no addition.
        input: name of the stored tensor read; empty: a constant of the program.
        operand: name of the stored tensor that the addition reads, or None.
        output: name of the stored tensor written; a layer in front of a concatenation writes
            channels of the concatenation's output.
        channels: (first, count) of the channels of ``output`` that are written.
        macs: multiply-accumulates of an image.
        compute_cycles: steps issued for the whole batch.
        estimated_cycles: the compiler's estimate for the whole batch.
        input_bytes: read from the arena, for the whole batch, ``operand`` included.
        weight_bytes: read from the program, biases included.
        output_bytes: written to the arena.
        descriptor: all fields by name.
        stage: index of the program's stage that it belongs to.
    """

    name: str
    node: str
    type: str
    addition: str | None
    input: str
    operand: str | None
    output: str
    channels: tuple[int, int]
    macs: int
    compute_cycles: int
    estimated_cycles: float
    input_bytes: int
    weight_bytes: int
    output_bytes: int
    descriptor: Mapping[str, int] = field(repr=False)
    stage: int = 0


@dataclass(frozen=True)
class CompiledProgram:
    """A program for one hardware and batch.

    Attributes:
        name: the graph's name.
        hardware: what it runs on.
        batch: images of a run.
        program: the binary.
        arena_bytes: activation memory that a run needs.
        tensors: all stored tensors by name, the input first, in order of definition.
        places: where each tensor of the graph lies: it may be a slice of the channels of a stored
            one. A tensor whose addition joined its layer is not there.
        input_name: the tensor that the host writes.
        output_name: the tensor that the host reads.
        layers: one a descriptor.
        advice: a sentence for each layer that larger buffers would make faster.
    """

    name: str
    hardware: Hardware
    batch: int
    program: bytes = field(repr=False)
    arena_bytes: int
    tensors: Mapping[str, PlacedTensor]
    places: Mapping[str, TensorSlice]
    input_name: str
    output_name: str
    layers: tuple[CompiledLayer, ...]
    advice: tuple[str, ...] = ()

    @property
    def input(self) -> PlacedTensor:
        """Where the host writes the images."""
        return self.tensors[self.input_name]

    @property
    def output(self) -> PlacedTensor:
        """Where the result is."""
        return self.tensors[self.output_name]

    def pack(self, name: str, values: npt.ArrayLike, *, fill: int = 0) -> ByteArray:
        """Bytes of tensor ``name`` with integers (N, H, W, C) in its pixels.

        Fewer images than the batch are followed by zeros; a vector may be (N, C); ``fill`` goes
        to lanes that are no pixel.

        Raises:
            KeyError: there is no such tensor.
            ValueError: another shape, or values that do not fit a pixel.
        """
        layout = self.tensors[name].layout
        x = np.asarray(values)
        shape = (layout.batch, layout.height, layout.width, layout.channels)
        if x.ndim == 2 and shape[1:3] == (1, 1):
            x = x[:, None, None, :]
        if x.ndim != 4 or x.shape[1:] != shape[1:] or not 1 <= len(x) <= self.batch:
            raise ValueError(
                f"tensor '{name}': got shape {x.shape}, legal is 1..{self.batch} images of "
                f"{shape[1:]}"
            )
        if len(x) < self.batch:
            x = np.concatenate([x, np.zeros((self.batch - len(x), *shape[1:]), dtype=x.dtype)])
        return layout.pack(x, self.hardware.rows, self.hardware.bits_input, fill=fill)

    def unpack(self, name: str, arena: ByteArray) -> npt.NDArray[np.int64]:
        """The integers (N, H, W, C) of a stored tensor or a tensor of the graph in an arena.

        Raises:
            KeyError: there is no such tensor in memory.
        """
        place = None if name in self.tensors else self.places[name]
        tensor = self.tensors[name if place is None else place.tensor]
        data = arena[tensor.offset : tensor.offset + tensor.nbytes]
        values = tensor.layout.unpack(data, self.hardware.rows, self.hardware.bits_input)
        if place is None:
            return values
        return values[..., place.first_channel : place.first_channel + place.channels]

    def stored(self, name: str, tensors: Mapping[str, npt.ArrayLike]) -> npt.NDArray[Any]:
        """What the stored tensor ``name`` has to hold, (N, H, W, C).

        Args:
            name: one of :attr:`tensors`.
            tensors: integers of the graph's tensors, as :func:`corewright.golden.run` returns
                them.

        Raises:
            KeyError: there is no such tensor.
        """
        return self.tensors[name].values.of(tensors)

    def pack_input(self, x: npt.ArrayLike) -> ByteArray:
        """The input tensor's bytes: see :meth:`pack`."""
        return self.pack(self.input_name, x)

    def make_arena(self, x: npt.ArrayLike, *, fill: int = 0) -> ByteArray:
        """An arena with the input in place; every other byte is ``fill`` (0 to 255)."""
        arena = np.full(self.arena_bytes, fill, dtype=np.uint8)
        data = self.pack_input(x)
        arena[self.input.offset : self.input.offset + data.size] = data
        return arena

    def expected_arena(self, tensors: Mapping[str, npt.ArrayLike]) -> tuple[ByteArray, ByteArray]:
        """What the arena holds after a run.

        Args:
            tensors: integers (N, H, W, C) by name, as :func:`corewright.golden.run` returns them;
                those that a later layer overwrites are left out.

        Returns:
            (expected, mask), both ``arena_bytes`` long: only bits that are 1 in mask are
            specified; expected is zero elsewhere. The padding bits of a word are specified: zero.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor of another shape.
        """
        expected = np.zeros(self.arena_bytes, dtype=np.uint8)
        mask = np.zeros(self.arena_bytes, dtype=np.uint8)
        rows, bits = self.hardware.rows, self.hardware.bits_input
        for name, tensor in self.tensors.items():
            if not tensor.kept:
                continue
            place = slice(tensor.offset, tensor.offset + tensor.nbytes)
            expected[place] = self.pack(name, self.stored(name, tensors))
            mask[place] = tensor.layout.mask(rows, bits)
        return expected, mask

    @property
    def report(self) -> dict[str, Any]:
        """The estimate as JSON-compatible data; cycles and bytes are those of the whole batch."""
        layers = [
            {
                "name": layer.name,
                "type": layer.type,
                "addition": layer.addition,
                "macs": layer.macs,
                "compute_cycles": layer.compute_cycles,
                "estimated_cycles": round(layer.estimated_cycles),
                "direct_load": bool(layer.descriptor["direct_load"]),
                "row_aligned": bool(layer.descriptor["row_blocks"]),
                "set_blocks": layer.descriptor["set_blocks"],
                "groups_per_pass": layer.descriptor["groups_per_pass"],
                "weights_resident": bool(layer.descriptor["weights_resident"]),
                "weights_streamed": bool(layer.descriptor["weights_streamed"]),
                "input_bytes": layer.input_bytes,
                "weight_bytes": layer.weight_bytes,
                "output_bytes": layer.output_bytes,
            }
            for layer in self.layers
        ]
        estimated = sum(layer.estimated_cycles for layer in self.layers)
        macs = sum(layer.macs for layer in self.layers)
        units = self.hardware.rows * self.hardware.columns
        return {
            "name": self.name,
            "batch": self.batch,
            "program_bytes": len(self.program),
            "arena_bytes": self.arena_bytes,
            "macs_per_image": macs,
            "compute_cycles": sum(layer.compute_cycles for layer in self.layers),
            "estimated_cycles": round(estimated),
            "estimated_cycles_per_image": round(estimated / self.batch, 1),
            "estimated_utilisation": round(macs * self.batch / (estimated * units), 4),
            "dram_bytes": {
                "weights": sum(layer.weight_bytes for layer in self.layers),
                "pixels_in": sum(layer.input_bytes for layer in self.layers),
                "pixels_out": sum(layer.output_bytes for layer in self.layers),
            },
            "layers": layers,
            "advice": list(self.advice),
        }

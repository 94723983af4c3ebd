# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Everything that a run of a compiled model needs, checked against the integer graph.

A vector set is a folder:

======================= =========================================================================
``program.bin``         the program
``inputs.bin``          the input tensor of each run, one after the other
``x_all.bin``           what layers read: of each run the input tensor, then what layers and host
                        write but the output, in the order of ``tensors.txt``, as in memory
``expected.bin``        what the arena holds after each run, one after the other
``tensors.txt``         the tensors that layers and host write: where they are in the arena
``layers.json``         the program's layers, those of all stages in order
``info.json``           sizes; whether emulator and training framework agree with the integer graph
``hardware.json``       the hardware
``config_hw.svh``       its SystemVerilog package
``config_hw.tcl``       the same for Tcl scripts
``config_fw.h``         sizes of the program, for C
======================= =========================================================================
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright import emulator, golden
from corewright.compiler import CompiledProgram, compile_graph, runs_on_host
from corewright.export import configuration_package, configuration_tcl
from corewright.files import (
    JSON_BYTES,
    UnreadableFileError,
    brief,
    read_bytes,
    read_json,
    reason,
)
from corewright.flow.cache import build_folder, cached_folder, code_digest, digest
from corewright.flow.errors import FlowInputError
from corewright.graph import Graph
from corewright.hardware import Hardware
from corewright.program import HostOpcode, decode_stages
from corewright.program.tensor import TensorLayout

FILES = (
    *("program.bin", "inputs.bin", "x_all.bin", "expected.bin", "tensors.txt", "layers.json"),
    *("info.json", "hardware.json", "config_hw.svh", "config_hw.tcl", "config_fw.h"),
)
IntArray = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class VectorSet:
    """A folder of files, see this module.

    Attributes:
        folder: where they are.
    """

    folder: Path

    @cached_property
    def info(self) -> dict[str, Any]:
        """Contents of ``info.json``; raises FlowInputError where it is damaged."""
        result: dict[str, Any] = self._read("info.json", _INFO)
        return result

    @cached_property
    def layers(self) -> list[dict[str, Any]]:
        """Contents of ``layers.json``; raises FlowInputError where it is damaged."""
        result: list[dict[str, Any]] = self._read("layers.json", [_LAYER])
        return result

    def check(self) -> None:
        """Check that the files are those of one program, as far as a simulation relies on it.

        Raises:
            FlowInputError: a file is missing or damaged.
        """
        info = self.info
        sizes = {
            "program.bin": info["program_bytes"],
            "inputs.bin": info["runs"] * info["input"]["bytes"],
            "expected.bin": info["runs"] * info["arena_bytes"],
        }
        for name, expected in sizes.items():
            path = self.folder / name
            found = path.stat().st_size if path.is_file() else None
            if found != expected:
                has = "is missing" if found is None else f"has {found} bytes"
                raise _damaged(path, f"{has}, legal are {expected}")
        for name, table in (("layers.json", len(self.layers)), ("tensors.txt", self._tensors())):
            expected = sum(info["stages"]) if name == "layers.json" else len(info["tensors"])
            if table != expected:
                raise _damaged(self.folder / name, f"lists {table}, legal are {expected}")
        for layer in self.layers:
            if layer["output"] not in info["tensors"]:
                raise _damaged(self.folder / "layers.json", f"no tensor {layer['output']!r}")

    def _tensors(self) -> int:
        path = self.folder / "tensors.txt"
        try:
            lines = read_bytes(path, JSON_BYTES).decode("utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise _damaged(path, reason(error)) from error
        rows = [line.split() for line in lines if line and not line.startswith("#")]
        if any(len(row) != _COLUMNS or not all(w.isdecimal() for w in row[2:]) for row in rows):
            raise _damaged(path, f"legal are lines of a name, a type and {_COLUMNS - 2} integers")
        return len(rows)

    def _read(self, name: str, shape: Any) -> Any:
        path = self.folder / name
        try:
            value = read_json(path)
        except (FileNotFoundError, UnreadableFileError) as error:
            raise _damaged(path, reason(error)) from error
        wrong = _differs(name.removesuffix(".json"), value, shape)
        if wrong:
            raise _damaged(path, wrong)
        return value


# What tensors.txt says of a tensor.
_COLUMNS = 10
# What the JSON files hold at the least; numbers are counts and places.
_PLACE = {"offset": int, "bytes": int}
_INFO: dict[str, Any] = {
    "graph": str,
    "digest": str,
    **dict.fromkeys(("batch", "images", "runs", "program_bytes", "arena_bytes"), int),
    "stages": [int],
    "host_operations": [{"name": str, "type": str, "stage": int, "output": str}],
    "tensors": [str],
    "advice": [str],
    "input": _PLACE,
    "output": _PLACE,
    "emulator": {"bit_exact": bool},
    "framework": {"layers": int, "images": int, "bit_exact": bool, "different": [str]},
}
_LAYER: dict[str, Any] = {
    **dict.fromkeys(("name", "node", "type", "output"), str),
    **dict.fromkeys(("stage", "macs", "compute_cycles", "estimated_cycles"), int),
}


def _damaged(path: Path, why: str) -> FlowInputError:
    return FlowInputError(f"{path}: {why}: export again; a folder below build may be removed")


def _differs(name: str, value: Any, shape: Any) -> str:
    """Return what is wrong with a JSON value, nothing where it has the shape that it should."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{name} is {brief(repr(value))}, legal is a list"
        found = (_differs(f"{name}[{i}]", item, shape[0]) for i, item in enumerate(value))
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{name} is {brief(repr(value))}, legal is an object"
        found = (_differs(f"{name}.{key}", value.get(key), part) for key, part in shape.items())
    else:
        wrong = not isinstance(value, shape) or (shape is int and isinstance(value, bool))
        if wrong or (shape is int and not 0 <= value < 1 << 62):
            return f"{name} is {brief(repr(value))}, legal is a {shape.__name__}"
        return ""
    return next((text for text in found if text), "")


def prepare(
    graph: Graph,
    hw: Hardware,
    images: IntArray,
    batch: int,
    *,
    layers: Mapping[str, IntArray] | None = None,
) -> VectorSet:
    """Compile a graph and make the vectors of its run, or take them from the cache.

    Args:
        graph: the network.
        hw: the accelerator.
        images: (N, H, W, C) input integers.
        batch: images of a run. The last run is filled up with images from the beginning.
        layers: by tensor, integers that a training framework computed for the first images.

    Raises:
        CompileError: the graph does not run on this hardware.
        GraphError: the images are no input of the graph.
    """
    inputs = np.ascontiguousarray(images)
    kept = {name: np.asarray(value)[: len(inputs)] for name, value in (layers or {}).items()}
    key = digest(
        {
            "code": code_digest(__name__),
            "graph": graph.digest(),
            "hardware": hw.to_dict(),
            "batch": batch,
            "images": _array_digest(inputs),
            "layers": {name: _array_digest(value) for name, value in kept.items()},
        }
    )
    final = build_folder() / "vectors" / f"{file_name(graph.name)}-{key[:24]}"
    cached_folder(final, lambda folder: _write(folder, graph, hw, inputs, batch, kept))
    return VectorSet(final)


def random_images(graph: Graph, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return (count, H, W, C) integers over the whole range of the graph's input."""
    low, high = graph.input_limits
    shape = (count, *graph.input.shape)
    return np.random.default_rng(seed).integers(low, high, shape, endpoint=True)


def file_name(name: str) -> str:
    """Return ``name`` with only characters that need no quoting anywhere."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", name)[:60]


def file_names(names: Sequence[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a file name for each of ``names``, no two alike on any file system, none ``taken``.

    A name that needs no change keeps it; of others that would be alike, the later are numbered.
    """
    used = {name.casefold() for name in taken}
    result: dict[str, str] = {}
    for name in sorted(names, key=lambda name: file_name(name) != name):
        short = candidate = file_name(name)
        number = 1
        while candidate.casefold() in used:
            number += 1
            candidate = f"{short}_{number}"
        used.add(candidate.casefold())
        result[name] = candidate
    return result


def accuracy(graph: Graph, images: IntArray, labels: IntArray) -> float:
    """Return the share of images whose largest output is their label's; cached by content."""
    key = digest(
        {
            "code": code_digest(__name__),
            "graph": graph.digest(),
            "images": _array_digest(images),
            "labels": _array_digest(labels),
        }
    )
    final = build_folder() / "vectors" / f"accuracy-{key[:24]}"

    def measure(folder: Path) -> None:
        scores = golden.run(graph, images)[graph.output.name].reshape(len(labels), -1)
        right = float(np.mean(scores.argmax(axis=1) == labels))
        (folder / "accuracy.json").write_text(json.dumps(right), encoding="utf-8")

    cached_folder(final, measure)
    path = final / "accuracy.json"
    try:
        share = read_json(path)
    except (FileNotFoundError, UnreadableFileError) as error:
        raise _damaged(path, reason(error)) from error
    if not isinstance(share, float) or not 0 <= share <= 1:
        raise _damaged(path, f"is {brief(repr(share))}, legal is a share")
    return share


def _array_digest(array: IntArray) -> str:
    data = np.ascontiguousarray(array, dtype=np.int64)
    return hashlib.sha256(f"{data.shape}".encode() + data.tobytes()).hexdigest()


def _write(
    folder: Path,
    graph: Graph,
    hw: Hardware,
    images: IntArray,
    batch: int,
    layers: Mapping[str, IntArray],
) -> None:
    if len(images) == 0:
        raise FlowInputError("there are no images to run")
    compiled = compile_graph(graph, hw, batch)
    host = host_operations(compiled, graph)
    written = writers(compiled, host)
    runs = -(-len(images) // batch)
    filled = images[np.arange(runs * batch) % len(images)]
    values = golden.run(graph, filled)
    emulated: dict[str, Any] | None = None
    with (
        (folder / "inputs.bin").open("wb") as inputs,
        (folder / "x_all.bin").open("wb") as read,
        (folder / "expected.bin").open("wb") as file,
    ):
        for run in range(runs):
            part = slice(run * batch, (run + 1) * batch)
            tensors = {name: value[part] for name, value in values.items()}
            packed = compiled.pack_input(filled[part]).tobytes()
            arena = compiled.expected_arena(tensors)[0]
            inputs.write(packed)
            read.write(packed)
            for name in written:
                if name != compiled.output_name:
                    place = compiled.tensors[name]
                    read.write(arena[place.offset : place.offset + place.nbytes].tobytes())
            file.write(arena.tobytes())
            emulated = emulated or _emulate(compiled, written, filled[part], tensors, run)
    texts = {
        "tensors.txt": tensor_table(compiled, graph, written),
        "layers.json": _json(_layers(compiled)),
        "info.json": _json(
            {
                "graph": graph.name,
                "digest": graph.digest(),
                "batch": batch,
                "images": len(images),
                "runs": runs,
                "program_bytes": len(compiled.program),
                "arena_bytes": compiled.arena_bytes,
                "stages": [len(s.descriptors) for s in decode_stages(compiled.program)],
                "host_operations": [asdict(operation) for operation in host],
                "tensors": list(written),
                "advice": list(compiled.advice),
                "input": _place(compiled, compiled.input_name),
                "output": _place(compiled, compiled.output_name),
                "emulator": emulated or {"bit_exact": True},
                "framework": _framework(values, layers),
            }
        ),
        "hardware.json": _json(hw.to_dict()),
        "config_hw.svh": configuration_package(hw),
        "config_hw.tcl": configuration_tcl(hw),
        "config_fw.h": firmware_header(compiled, runs),
    }
    (folder / "program.bin").write_bytes(compiled.program)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"


@dataclass(frozen=True)
class HostEntry:
    """What a vector set says of a host operation of its program.

    Attributes:
        name: of the graph's node.
        type: the operation's name in the program format, in lower case.
        stage: the stage behind which it is done.
        output: name of the stored tensor that it writes.
    """

    name: str
    type: str
    stage: int
    output: str


def host_operations(compiled: CompiledProgram, graph: Graph) -> list[HostEntry]:
    """Return the host operations of a program, in its order."""
    word = compiled.hardware.word_bytes
    nodes = {}
    for node in graph.compute_nodes:
        if runs_on_host(node):
            place = compiled.places[node.output.name]
            offset = compiled.tensors[place.tensor].offset + place.first_channel * word
            nodes[offset] = (node.name, place.tensor)
    result = []
    for index, stage in enumerate(decode_stages(compiled.program)):
        for fields in stage.host_operations:
            name, output = nodes[fields["output_offset"]]
            kind = HostOpcode(fields["host_opcode"]).name.lower()
            result.append(HostEntry(name, kind, index, output))
    return result


def writers(compiled: CompiledProgram, host: Sequence[HostEntry]) -> dict[str, tuple[str, str]]:
    """Return the stored tensors that a run writes, in the order in which each is first written.

    Returns:
        By the tensor's name, (node, type) of the layer or host operation.
    """
    steps = [(layer.stage, 0, layer.output, layer.node, layer.type) for layer in compiled.layers]
    steps += [(each.stage, 1, each.output, each.name, each.type) for each in host]
    result: dict[str, tuple[str, str]] = {}
    # The sort is stable: within a stage layers keep their order, and the host comes last.
    for _, _, output, node, kind in sorted(steps, key=lambda step: step[:2]):
        result.setdefault(output, (node, kind))
    return result


def _emulate(
    compiled: CompiledProgram,
    written: Mapping[str, tuple[str, str]],
    images: IntArray,
    tensors: Mapping[str, IntArray],
    run: int,
) -> dict[str, Any] | None:
    """Run the program in the emulator; returns the first difference, or None."""
    arena = compiled.make_arena(images, fill=0xA5)
    try:
        emulator.run(compiled.program, arena, hardware=compiled.hardware, poison_seed=run)
    except emulator.EmulatorError as error:
        return {"bit_exact": False, "run": run, "error": str(error)}
    for name, (node, _) in written.items():
        got = compiled.unpack(name, arena)
        want = compiled.stored(name, tensors)
        if not np.array_equal(got, want):
            place = np.argwhere(got != want)[0]
            at = tuple(int(i) for i in place)
            return {
                "bit_exact": False,
                "run": run,
                "error": f"layer {node} at (image, h, w, c) {at}: "
                f"expected {int(want[at])}, got {int(got[at])}",
            }
    return None


def _framework(values: Mapping[str, IntArray], layers: Mapping[str, IntArray]) -> dict[str, Any]:
    """Compare the integer graph with the training framework's integers."""
    known = [name for name in values if name in layers]
    wrong = []
    for name in known:
        if not np.array_equal(values[name][: len(layers[name])], layers[name]):
            wrong.append(name)
    images = min((len(layers[name]) for name in known), default=0)
    return {"layers": len(known), "images": images, "bit_exact": not wrong, "different": wrong}


def _place(compiled: CompiledProgram, name: str) -> dict[str, int]:
    tensor = compiled.tensors[name]
    return {"offset": tensor.offset, "bytes": tensor.nbytes}


def _layers(compiled: CompiledProgram) -> list[dict[str, Any]]:
    return [
        {
            "name": layer.name,
            "node": layer.node,
            "type": layer.type,
            "stage": layer.stage,
            "output": layer.output,
            "macs": layer.macs,
            "compute_cycles": layer.compute_cycles,
            "estimated_cycles": round(layer.estimated_cycles),
        }
        for layer in compiled.layers
    ]


def tensor_table(
    compiled: CompiledProgram, graph: Graph, written: Mapping[str, tuple[str, str]]
) -> str:
    """Return the lines of ``tensors.txt``: a layer's name and type, and its tensor's place.

    Args:
        compiled: the program.
        graph: what it was compiled from.
        written: see :func:`writers`.

    Raises:
        FlowInputError: a tensor is overwritten by a later layer, so it cannot be compared.
    """
    lines = ["# layer type offset batch height width channels pitch image_rows bits"]
    short = file_names([node.name for node in graph.nodes])
    for name, (node, kind) in written.items():
        tensor = compiled.tensors[name]
        if not tensor.kept:
            raise FlowInputError(f"tensor '{name}' is overwritten in the arena")
        place = tensor.layout
        bits = min(graph.tensor(tensor.values.tensor).bits, compiled.hardware.bits_input)
        lines.append(
            f"{short[node]} {kind} {tensor.offset} {place.batch} {place.height} "
            f"{place.width} {place.channels} {place.pitch} {place.image_rows} {bits}"
        )
    return "\n".join(lines) + "\n"


def packed_outputs(vectors: VectorSet, hw: Hardware) -> tuple[bytes, bytes]:
    """Return what a board's firmware compares: no arena and no table of tensors, only the output.

    Returns:
        The output tensor of each run as it lies in memory, one after the other; and which of the
        bits of one are specified.

    Raises:
        FlowInputError: a file is damaged.
    """
    info = vectors.info
    place, arena = info["output"], info["arena_bytes"]
    table = (vectors.folder / "tensors.txt").read_text(encoding="utf-8")
    found = [row for row in map(str.split, table.splitlines()) if row[2] == str(place["offset"])]
    if not found:
        raise _damaged(vectors.folder / "tensors.txt", f"no tensor is at {place['offset']}")
    batch, height, width, channels, pitch, image_rows = map(int, found[0][3:9])
    blocks = place["bytes"] // (channels * hw.word_bytes)
    layout = TensorLayout(batch, height, width, channels, pitch, image_rows, blocks)
    outputs = b""
    with (vectors.folder / "expected.bin").open("rb") as file:
        for run in range(info["runs"]):
            file.seek(run * arena + place["offset"])
            outputs += file.read(place["bytes"])
    return outputs, layout.mask(hw.rows, hw.bits_input).tobytes()


# What the names in ``config_fw.h`` begin with, and what guards it.
FIRMWARE_PREFIX = "CW_MODEL"
FIRMWARE_GUARD = "CONFIG_FW_H"


def firmware_header(compiled: CompiledProgram, runs: int) -> str:
    """Return ``config_fw.h``: what a program that embeds these vectors needs to know."""
    stages = decode_stages(compiled.program)
    # Sizes and places of input and output are the same in all of them.
    header = stages[0].header
    output = compiled.output.layout
    values = {
        "HARDWARE_HASH": f"0x{compiled.hardware.hash:08x}u",
        "PROGRAM_BYTES": f"{len(compiled.program)}u",
        "ARENA_BYTES": f"{compiled.arena_bytes}u",
        "INPUT_OFFSET": f"{header['input_offset']}u",
        "INPUT_BYTES": f"{header['input_bytes']}u",
        "OUTPUT_OFFSET": f"{header['output_offset']}u",
        "OUTPUT_BYTES": f"{header['output_bytes']}u",
        "OUTPUT_CHANNELS": f"{output.channels}u",
        "BATCH": f"{compiled.batch}u",
        "RUNS": f"{runs}u",
        "STAGES": f"{len(stages)}u",
        "LAYERS": f"{len(compiled.layers)}u",
    }
    defines = "\n".join(
        f"#define {FIRMWARE_PREFIX}_{name} {value}" for name, value in values.items()
    )
    return (
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* Copyright corewright contributors */\n"
        "/* Generated by corewright.flow; do not edit. */\n"
        f"#ifndef {FIRMWARE_GUARD}\n#define {FIRMWARE_GUARD}\n\n"
        f"{defines}\n\n#endif /* {FIRMWARE_GUARD} */\n"
    )

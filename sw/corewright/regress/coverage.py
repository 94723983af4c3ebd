# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Functional coverage: which operators, options, sizes and mappings occurred.

A bin is ``group:name``. What a case covers is read off its graph, hardware and program, never
declared by the generator.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corewright.compiler import CompiledProgram
from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.graph import ComputeNode, Graph, operators
from corewright.hardware import Hardware

_WIDTHS = (*(str(bits) for bits in range(1, 9)), "16")
_SIZES = ("1", "power of two", "other")
# How full the last of several equal parts is.
_FILLS = ("full", "one less", "single", "some")
# What a layer does with the ring of weights.
_WEIGHTS = ("resident", "reloaded", "streamed", "none")
# What the array does in a layer: ``CompiledLayer.type``.
LAYER_KINDS = (
    *("conv", "dense", "depthwise", "max_pool", "average_pool", "sum_pool", "matmul"),
    *("transpose", "upsample", "add", "copy"),
)
# Bins that cannot be hit, from the root.
EXCUSES = "regressions/excused_bins.toml"


def _operator_bins() -> dict[str, tuple[str, ...]]:
    """By group the bins of all operators of :mod:`corewright.graph.ops`."""
    found: dict[str, dict[str, None]] = {}
    for kind in operators().values():
        for group, names in kind.bins().items() if issubclass(kind, ComputeNode) else ():
            found.setdefault(group, {}).update(dict.fromkeys(names))
    return {group: tuple(names) for group, names in found.items()}


# What graphs, hardware and programs can have.
COMMON_BINS: dict[str, tuple[str, ...]] = {
    **_operator_bins(),
    "structure": ("chain", "tensor read twice", "1 layer", "2 to 4 layers", "5 layers or more"),
    "batch": ("1", "2 or more"),
    "rows": _SIZES,
    "columns": _SIZES,
    "channels drained": ("1", "some", "all"),
    "pixel bits": _WIDTHS,
    "weight bits": _WIDTHS,
    "loops": (
        *("weights resident", "weights reloaded", "weights streamed", "several passes"),
        *("several sets", "split layer"),
    ),
    "loop order": tuple(
        f"weights {weights}, {passes}, {sets}"
        for weights in _WEIGHTS
        for passes in ("one pass", "several passes")
        for sets in ("one set", "several sets")
    ),
    # Lanes of the last block, and channels of the last group, of one layer.
    "edge of the array": tuple(f"rows {r}, columns {c}" for r in _FILLS for c in _FILLS),
    "channel groups": tuple(f"{n}, the last {f}" for n in ("one", "several") for f in _FILLS),
    "loader": (
        *("direct", "scattered", "row-aligned", "ring wraps", "rows skipped", "phase skew"),
        *("rows released", "upsampled", "pixels from the program"),
    ),
    "writer": ("contiguous", "slice of a tensor", "addition joined"),
    "program": (
        *("copy", "sum instead of average", "memory reused", "weights from the arena"),
        *("several stages", "work of the host"),
    ),
}


def cover_graph(graph: Graph, batch: int) -> set[str]:
    """Return the bins of a network and its batch."""
    bins = {f"batch:{'1' if batch == 1 else '2 or more'}"}
    nodes = graph.compute_nodes
    count = "1 layer" if len(nodes) == 1 else "2 to 4 layers" if len(nodes) < 5 else None
    bins.add(f"structure:{count or '5 layers or more'}")
    branches = any(len(graph.consumers(name)) > 1 for name in graph.tensors)
    bins.add(f"structure:{'tensor read twice' if branches else 'chain'}")
    for node in nodes:
        bins |= node.coverage(*(graph.tensor(name) for name in node.inputs))
    return bins


def cover_hardware(hw: Hardware) -> set[str]:
    """Return the bins of a hardware's sizes."""
    drained = "1" if hw.drain == 1 else "all" if hw.drain == hw.columns else "some"
    return {
        f"rows:{_size(hw.rows)}",
        f"columns:{_size(hw.columns)}",
        f"channels drained:{drained}",
        f"pixel bits:{hw.bits_input}",
        f"weight bits:{hw.bits_weights}",
    }


def _size(value: int) -> str:
    if value == 1:
        return "1"
    return "power of two" if value & (value - 1) == 0 else "other"


def cover_program(program: CompiledProgram, graph: Graph, stages: int, host: int) -> set[str]:
    """Return the bins of how a network was mapped.

    Args:
        program: the compiled network.
        graph: the network.
        stages: of the program.
        host: operations that the host does.
    """
    bins = set()
    for layer in program.layers:
        d = layer.descriptor
        stored = program.tensors[layer.output].layout.channels
        flags = {
            "loops:weights resident": d["weights_resident"],
            "loops:weights streamed": d["weights_streamed"],
            "loops:weights reloaded": layer.type in ("conv", "dense", "depthwise")
            and not (d["weights_resident"] or d["weights_streamed"]),
            "loops:several passes": d["groups_per_pass"] < d["groups"],
            "loops:several sets": d["set_blocks"] < d["blocks"],
            "loops:split layer": "#" in layer.name,
            "loader:direct": d["direct_load"],
            "loader:scattered": not d["direct_load"],
            "loader:row-aligned": d["row_blocks"],
            "loader:ring wraps": d["ring_blocks"] < d["stream_blocks"],
            "loader:rows skipped": d["segments"] > 1,
            "loader:phase skew": d["phase_skew"],
            "loader:rows released": d.get("release_rows", 0),
            "loader:upsampled": d.get("copies_h", 0) or d.get("copies_w", 0),
            "loader:pixels from the program": d.get("input_program", 0),
            "writer:contiguous": d["output_contiguous"],
            "writer:slice of a tensor": layer.channels[1] < stored,
            "writer:addition joined": layer.addition is not None,
            "program:copy": layer.type == "copy",
            "program:sum instead of average": layer.type == "sum_pool",
            "program:weights from the arena": d.get("weights_arena", 0),
        }
        bins |= {name for name, seen in flags.items() if seen}
        bins |= _crosses(layer.descriptor, program.hardware)
    if any(not tensor.kept for tensor in program.tensors.values()):
        bins.add("program:memory reused")
    if stages > 1:
        bins.add("program:several stages")
    if host:
        bins.add("program:work of the host")
    return bins


def _crosses(d: Mapping[str, int], hw: Hardware) -> set[str]:
    """The bins of a descriptor that combine two or three facts."""
    weights = "none"
    if d.get("weight_rows", 0):
        weights = "streamed" if d["weights_streamed"] else "reloaded"
        weights = "resident" if d["weights_resident"] else weights
    passes = "several passes" if d["groups_per_pass"] < d["groups"] else "one pass"
    sets = "several sets" if d["set_blocks"] < d["blocks"] else "one set"
    bins = {f"loop order:weights {weights}, {passes}, {sets}"}
    columns = _fills(d["last_group_channels"], d["group_channels"])
    groups = "one" if d["groups"] == 1 else "several"
    bins |= {f"channel groups:{groups}, the last {fill}" for fill in columns}
    return bins | {
        f"edge of the array:rows {row}, columns {column}"
        for row in _fills(d["tail_lanes"], hw.rows)
        for column in columns
    }


def _fills(used: int, whole: int) -> list[str]:
    """How full a part is that has room for ``whole``; of two one is both one less and single."""
    if used == whole:
        return ["full"]
    found = [name for name, count in (("one less", whole - 1), ("single", 1)) if used == count]
    return found or ["some"]


@dataclass(frozen=True)
class Excuse:
    """Bins that no case can hit.

    Attributes:
        bins: a pattern of ``group:bin``, ``*`` for any text.
        reason: why.
    """

    bins: str
    reason: str

    def names(self, each: str) -> bool:
        """Whether it is about a bin."""
        return fnmatch.fnmatchcase(each, self.bins.replace("[", "[[]"))


def read_excuses(path: Path | None = None) -> tuple[Excuse, ...]:
    """Return the bins that are excused.

    Raises:
        FlowInputError: the file cannot be read, or an entry is no pattern with a reason.
    """
    path = path or repository_root() / EXCUSES
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FlowInputError(f"{path}: cannot be read: {error}") from error
    if unknown := sorted(set(contents) - {"excused"}):
        raise FlowInputError(f"{path}: has '{unknown[0]}', legal is [[excused]]")
    found = []
    for number, entry in enumerate(contents.get("excused", []), start=1):
        fields = {"bins", "reason"}
        wrong = set(entry) != fields or not all(isinstance(v, str) for v in entry.values())
        if wrong or not all(value.strip() for value in entry.values()):
            raise FlowInputError(f"{path}: entry {number}: legal are bins and reason, two texts")
        found.append(Excuse(**entry))
    return tuple(found)


def excused_bins(legal: Mapping[str, tuple[str, ...]], excuses: Sequence[Excuse]) -> dict[str, str]:
    """Return the bins of a suite that are excused, ``group:bin``, each with the reason."""
    every = [f"{group}:{name}" for group, names in legal.items() for name in names]
    return {
        each: excuse.reason for each in every for excuse in reversed(excuses) if excuse.names(each)
    }


def count_bins(
    legal: Mapping[str, tuple[str, ...]], covered: Iterable[Iterable[str]]
) -> dict[str, dict[str, int]]:
    """Return by group and bin how many cases covered it.

    Raises:
        ValueError: a case covered a bin that there is not.
    """
    counts = {group: dict.fromkeys(names, 0) for group, names in legal.items()}
    for bins in covered:
        for each in bins:
            group, _, name = each.partition(":")
            if name not in counts.get(group, {}):
                raise ValueError(f"there is no bin {each}")
            counts[group][name] += 1
    return counts


def fraction_hit(counts: Mapping[str, Mapping[str, int]], excused: Iterable[str] = ()) -> float:
    """Return the share of bins that were covered at least once, of those that can be."""
    left_out = set(excused)
    hits = [
        count > 0
        for group, names in counts.items()
        for name, count in names.items()
        if count or f"{group}:{name}" not in left_out
    ]
    return round(sum(hits) / len(hits), 4)


def never_hit(coverage: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return by group the bins of a report's ``coverage`` that no case hit and nobody excused."""
    excused = coverage.get("excused", {})
    missed = {
        group: [n for n, count in counts.items() if not count and f"{group}:{n}" not in excused]
        for group, counts in coverage.get("bins", {}).items()
    }
    return {group: names for group, names in missed.items() if names}

# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The graph file: a zip archive of one canonical JSON and one .npy a weight, bias or table array.

Deterministic: sorted keys, fixed time stamps and permissions, fixed compression. Arrays are kept
in the narrowest integer type, so 8-bit weights cost at most a byte each.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from corewright.files import DAMAGE, Archive, brief, open_archive, parse_json, parse_npy, reason
from corewright.graph.analysis import Network
from corewright.graph.errors import GraphError
from corewright.graph.node import Node, operators
from corewright.graph.tensor import Requant, Tensor

G = TypeVar("G")

FORMAT = "corewright-graph"
VERSION = 1

# The earliest moment that a zip archive can express.
_TIME = (1980, 1, 1, 0, 0, 0)


def _narrow(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same integers in the narrowest little-endian type."""
    for name in ("i1", "<i2", "<i4"):
        limits = np.iinfo(name)
        if array.min() >= limits.min and array.max() <= limits.max:
            return array.astype(name)
    return array.astype("<i8")


def _describe(graph: Network) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """The graph as JSON-compatible data and arrays by entry name."""
    nodes: list[dict[str, Any]] = []
    arrays: dict[str, npt.NDArray[Any]] = {}
    for index, node in enumerate(graph.nodes):
        entry: dict[str, Any] = {"type": node.type_name}
        for item in dataclasses.fields(node):
            value = getattr(node, item.name)
            if item.name in node.arrays:
                if value is not None:
                    entry_name = f"{index:04d}_{item.name}.npy"
                    arrays[entry_name] = _narrow(value)
                    value = entry_name
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                value = dataclasses.asdict(value)
            entry[item.name] = value
        nodes.append(entry)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "input": dataclasses.asdict(graph.input),
        "input_range": list(graph.input_limits),
        "nodes": nodes,
    }
    return header, arrays


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _array_bytes(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0))
    return buffer.getvalue()


def digest(graph: Network) -> str:
    """SHA-256 over the canonical description and all arrays, without the metadata."""
    header, arrays = _describe(graph)
    result = hashlib.sha256(_canonical(header))
    for name in sorted(arrays):
        result.update(name.encode())
        result.update(_array_bytes(arrays[name]))
    return result.hexdigest()


def save(graph: Network, path: Path) -> Path:
    """Write ``graph`` to ``path`` atomically; the same graph gives the same bytes."""
    header, arrays = _describe(graph)
    entries = {"graph.json": _canonical({**header, "metadata": graph.metadata})}
    entries.update({name: _array_bytes(array) for name, array in arrays.items()})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _TIME)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name], zipfile.ZIP_DEFLATED, 9)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(buffer.getvalue())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _node(entry: dict[str, Any], archive: Archive) -> Node:
    values = dict(entry)
    cls = operators().get(values.pop("type"))
    if cls is None:
        raise GraphError(f"unknown node type {entry['type']!r}, legal are {sorted(operators())}")
    for name in cls.arrays:
        if values.get(name) is not None:
            values[name] = parse_npy(archive.read(values[name]))
    for name, record in (("output", Tensor), ("requant", Requant)):
        if name in values:
            values[name] = record(**values[name])
    return cls(**values)


def _graph(archive: Archive, make: Callable[..., G]) -> G:
    header = parse_json(archive.read("graph.json"))
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        raise GraphError(
            f"format {header.get('format')!r} version {header.get('version')!r}, "
            f"legal is {FORMAT!r} version {VERSION}"
        )
    return make(
        name=header["name"],
        input=Tensor(**header["input"]),
        nodes=tuple(_node(entry, archive) for entry in header["nodes"]),
        metadata=header["metadata"],
        input_range=tuple(header["input_range"]),
    )


def load(path: Path, make: Callable[..., G]) -> G:
    """Read a graph file and give its parts to ``make``, which is ``Graph``; see ``Graph.load``."""
    try:
        with open_archive(path) as archive:
            return _graph(archive, make)
    except FileNotFoundError:
        raise
    except GraphError as error:
        raise GraphError(f"{path}: {brief(error)}") from error
    # Entries of other names and types than a graph's: whatever their use raises.
    except DAMAGE as error:
        raise GraphError(f"{path}: not a graph file or damaged: {reason(error)}") from error

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Cycles of every model of ``models/`` in RTL, against what its ``expected.json`` says.

Each model runs as ``./cw sim MODEL`` does: its own hardware, batch and images, Verilator, the real
firmware, memory without stalls. Without stalls cycles do not depend on luck, so that every number
of the file has to come out again: a difference is a change of compiler or RTL, for better or for
worse, and ``--write`` accepts it.

``expected.json`` stands next to the cores of its folder and has an entry a core; see
:func:`measured` for what is in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from corewright.files import UnreadableFileError, read_json, write_output, writing
from corewright.flow import FlowInputError, System, find_system, simulate_system, systems
from corewright.gen.systems import check_core
from corewright.graph import Graph
from corewright.hardware import Hardware

FILE = "expected.json"
METHOD = "RTL performance counters (Verilator, firmware), ideal memory: --stalls none"
# What the RTL is configured with, and so what cycles may depend on.
_HARDWARE = (
    *("rows", "columns", "drain", "bits_input", "bits_weights", "bits_sum", "axi_width"),
    *("pixel_rows", "weight_rows", "bias_rows", "max_burst_beats", "max_outstanding"),
)


def origin(graph: Graph, hardware: Hardware) -> dict[str, Any]:
    """What an entry holds for: the graph's digest, the hardware's hash and its sizes."""
    sizes = {name: getattr(hardware, name) for name in _HARDWARE}
    return {"graph": graph.digest(), "hardware": {"hash": f"{hardware.hash:08x}", **sizes}}


def measured(system: System, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of ``expected.json`` that a simulation's report makes.

    ``cycles`` are of all runs, ``layers`` the cycles of each layer in order; ``cycles_by_cause``
    adds up to ``cycles``.
    """
    return {
        "measured": METHOD,
        "images": result["images"],
        "batch": result["batch"],
        **origin(system.graph, system.hardware),
        "cycles_per_image": result["cycles_per_image"],
        "utilisation": result["utilisation"],
        "cycles": result["cycles"],
        "cycles_by_cause": dict(result["cycles_by_cause"]),
        "layers": {layer["name"]: layer["cycles"] for layer in result["layers"]},
    }


def expected_file(system: System) -> Path:
    """Where a model's entry is."""
    return system.core_file.parent / FILE


def read_expected(system: System) -> dict[str, Any] | None:
    """Return a model's entry; None where there is none.

    Raises:
        FlowInputError: the file is no JSON object of objects.
    """
    entry = _entries(expected_file(system)).get(system.name)
    return None if entry is None else dict(entry)


def write_expected(system: System, entry: Mapping[str, Any]) -> Path:
    """Replace a model's entry, and keep those of the folder's other cores."""
    path = expected_file(system)
    entries = {**_entries(path), system.name: entry}
    text = json.dumps(dict(sorted(entries.items())), indent=2)
    with writing(path, "COREWRIGHT_ROOT=CLONE"):
        path.write_text(text + "\n", encoding="utf-8")
    return path


def _entries(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        entries = read_json(path)
    except UnreadableFileError as error:
        raise FlowInputError(f"{path}: {error}") from error
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        raise FlowInputError(f"{path}: is no object of objects")
    return entries


def differences(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[str]:
    """Say what differs, a line a value; nothing where all is as expected."""
    if old is None:
        return ["nothing is expected yet"]
    lines = []
    for key in sorted(set(new) | set(old)):
        ours, theirs = new.get(key), old.get(key)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            names = dict.fromkeys((*ours, *theirs))
            lines += [
                f"{key}, {name}: {ours.get(name)}, expected {theirs.get(name)}"
                for name in names
                if ours.get(name) != theirs.get(name)
            ]
        elif ours != theirs:
            lines.append(f"{key}: {ours}, expected {theirs}")
    return lines


def main(json_path: Path | None = None, models: Sequence[str] = (), *, write: bool = False) -> int:
    """Measure ``models`` (all of them by default), print, and return 1 if one is not as expected.

    Args:
        json_path: also write what was measured here.
        models: names of cores.
        write: take what was measured as expected, if it is bit exact.
    """
    console = Console(width=110)
    chosen = [find_system(name) for name in models] or list(systems().values())
    table = Table(title=METHOD, title_justify="left")
    for column in ("model", "batch", "cycles an image", "expected", "MAC utilisation", "bit exact"):
        table.add_column(column, justify="left" if column == "model" else "right")
    entries, bad, notes = {}, [], []
    for system in chosen:
        check_core(system.core_file)
        result = simulate_system(system)
        entry = measured(system, result)
        old = read_expected(system)
        if write and result["passed"]:
            console.print(f"wrote {write_expected(system, entry)}", highlight=False, soft_wrap=True)
        expected = None if old is None else old.get("cycles_per_image")
        found = differences(entry, old)
        if not result["passed"] or (found and not write):
            bad.append(system.name)
        notes += [f"{system.name}: {line}" for line in found]
        table.add_row(
            system.name,
            str(entry["batch"]),
            f"{entry['cycles_per_image']:,}",
            f"{expected:,}" if isinstance(expected, int | float) else "-",
            f"{100 * entry['utilisation']:.1f} %",
            "yes" if result["passed"] else "NO",
        )
        entries[system.name] = {**entry, "passed": result["passed"], "differences": found}
    console.print(table)
    for note in notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    console.print(f"wrong or not as expected: {', '.join(bad) or 'none'}")
    if json_path is not None:
        write_output(json_path, json.dumps(entries, indent=2) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure models, compare with expected.json.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="left out: all")
    parser.add_argument("--write", action="store_true", help="take what is measured as expected")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results here")
    given = parser.parse_args()
    sys.exit(main(given.json, given.models, write=given.write))

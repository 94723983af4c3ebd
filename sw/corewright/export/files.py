# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The files that tools outside of FuseSoC read to know a hardware."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from corewright.export.places import Place, referenced
from corewright.export.settings import configuration_tcl
from corewright.export.systemverilog import configuration_package, simulation_package
from corewright.hardware import Hardware
from corewright.sources import sources_of


def write_json(hw: Hardware, path: str | os.PathLike[str]) -> Path:
    """Write all parameters to ``path`` and return it; ``Hardware.from_json`` reads it."""
    target = Path(path)
    target.write_text(json.dumps(hw.to_dict(), indent=2) + "\n", encoding="utf-8")
    return target


def write_configuration(
    hw: Hardware,
    directory: str | os.PathLike[str] = ".",
    *,
    core: str = "corewright:core:accelerator",
    target: str = "lint",
    providers: Sequence[str] = (),
    place: Place | None = None,
) -> tuple[Path, ...]:
    """Write what tools outside of FuseSoC need to know of a hardware.

    ``config_hw.svh`` (the configuration package), ``config_tb.svh`` (the simulation's
    parameters), ``config_hw.tcl`` (the same values for Tcl scripts), ``hardware.json`` and
    ``sources.txt`` (the RTL of ``core``, one path a line, relative to ``directory``; the
    ``target`` has to choose the providers of virtual cores, as ``lint`` does).

    Args:
        hw: the accelerator.
        directory: where the files go; made if needed.
        core: the core whose sources are listed.
        target: its target.
        providers: of virtual cores, instead of the target's: see :func:`sources_of`.
        place: what the list calls a source; None: where it is in the tree.

    Returns:
        The paths written, in that order.

    Raises:
        OSError: a file cannot be written.
        ValueError: ``core``, ``target`` or a dependency does not exist.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    place = place or referenced(folder)
    sources = [place(path) for path in sources_of(core, target, providers=providers)]
    texts = {
        "config_hw.svh": configuration_package(hw),
        "config_tb.svh": simulation_package(hw),
        "config_hw.tcl": configuration_tcl(hw),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    written = [folder / name for name in texts]
    written.append(write_json(hw, folder / "hardware.json"))
    listing = folder / "sources.txt"
    listing.write_text("".join(f"{source}\n" for source in sources), encoding="utf-8")
    return (*written, listing)

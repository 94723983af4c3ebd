# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Writes the summary of a netlist as JSON: the flow ``cw_synth`` runs it behind Yosys."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from corewright.silicon.cells import ASIC, FAMILIES
from corewright.silicon.command import written
from corewright.silicon.liberty import read_library
from corewright.silicon.netlist import read_netlist
from corewright.silicon.summary import summary_of
from corewright.silicon.timing import timing_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a summary; returns 0, or 1 when the netlist is missing or not understood."""
    parser = argparse.ArgumentParser(prog="python -m corewright.silicon", description=__doc__)
    parser.add_argument("netlist", type=Path)
    parser.add_argument("--top", required=True)
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asic = parser.add_argument_group(f"of the family {ASIC}")
    asic.add_argument("--library", type=Path, help="the library of cells")
    asic.add_argument("--nand2", default="NAND2X1", help="its NAND of two inputs")
    asic.add_argument("--timing", type=Path, help="OpenSTA's report")
    asic.add_argument("--memory-ns", type=float, help="what a memory was assumed to take")
    options = parser.parse_args(arguments)
    if options.family == ASIC and (options.library is None or options.timing is None):
        parser.error(f"{ASIC} needs --library and --timing")

    def text() -> str:
        library = timing = None
        if options.family == ASIC:
            library = read_library(options.library, options.nand2)
        netlist = read_netlist(options.netlist, options.top, options.family, library)
        if library is not None:
            report = options.timing.read_text(encoding="utf-8", errors="replace")
            timing = {**timing_of(report, netlist), "memory_ns": options.memory_ns}
        return json.dumps(summary_of(netlist, timing), indent=2) + "\n"

    return written(options.out, text)


if __name__ == "__main__":
    sys.exit(main())

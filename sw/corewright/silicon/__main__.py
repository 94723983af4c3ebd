# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Writes the summary of a netlist as JSON: the flow ``cw_synth`` runs it behind Yosys."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from corewright.files import reason
from corewright.silicon.cells import ASIC, FAMILIES, NetlistError
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
    # A former netlist's summary would be worse than none.
    options.out.unlink(missing_ok=True)
    try:
        library = None
        if options.family == ASIC:
            if options.library is None or options.timing is None:
                parser.error(f"{ASIC} needs --library and --timing")
            library = read_library(options.library, options.nand2)
        netlist = read_netlist(options.netlist, options.top, options.family, library)
        timing = None
        if library is not None:
            text = options.timing.read_text(encoding="utf-8", errors="replace")
            timing = {**timing_of(text, netlist), "memory_ns": options.memory_ns}
        summary = summary_of(netlist, timing)
    except OSError as error:
        sys.stderr.write(f"silicon: {error.filename}: {reason(error)}\n")
        return 1
    except NetlistError as error:
        sys.stderr.write(f"silicon: {error}\n")
        return 1
    partial = options.out.with_suffix(".part")
    partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    partial.replace(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

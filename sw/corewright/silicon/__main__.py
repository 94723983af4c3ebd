# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Writes the summary of a netlist as JSON: the flow ``cw_synth`` runs it behind Yosys."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from corewright.silicon.cells import FAMILIES, NetlistError
from corewright.silicon.netlist import read_netlist
from corewright.silicon.summary import summary_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a summary; returns 0, or 1 when the netlist is missing or not understood."""
    parser = argparse.ArgumentParser(prog="python -m corewright.silicon", description=__doc__)
    parser.add_argument("netlist", type=Path)
    parser.add_argument("--top", required=True)
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    # A former netlist's summary would be worse than none.
    options.out.unlink(missing_ok=True)
    try:
        summary = summary_of(read_netlist(options.netlist, options.top, options.family))
    except NetlistError as error:
        sys.stderr.write(f"silicon: {error}\n")
        return 1
    partial = options.out.with_suffix(".part")
    partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    partial.replace(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

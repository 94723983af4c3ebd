#!/usr/bin/env python3
# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Regenerates everything that follows from data/cw_regs.rdl: RTL, C header, documentation, Tcl.

Run without arguments to rewrite the committed files, or with ``--output DIR`` to write the same
tree elsewhere. The output depends on the description and on PeakRDL's version only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from corewright.gen.registers import c_header, document, elaborated, rtl, tcl_table

BLOCK = Path(__file__).resolve().parent
SOURCE = Path("data/cw_regs.rdl")
# The whole 4 KiB page is decoded, so that no address aliases to a register.
ADDRESS_BITS = 12
NOTICE = "Generated from data/cw_regs.rdl by generate.py; do not edit."


def generate(output: Path) -> None:
    """Writes the generated files below ``output``, which gets the block's folders.

    Raises:
        ValueError: the description is not legal.
    """
    source = BLOCK / SOURCE
    top = elaborated(source)
    texts = {f"rtl/{name}": text for name, text in rtl(source, top, NOTICE, ADDRESS_BITS).items()}
    texts["include/cw_regs.h"] = c_header(top, NOTICE, 1 << ADDRESS_BITS)
    texts["tcl/cw_regs.tcl"] = tcl_table(top, NOTICE, 1 << ADDRESS_BITS)
    texts["doc/registers.md"] = document(top, NOTICE)
    for name, text in texts.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(text, encoding="utf-8")


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=BLOCK, help="root of the written tree")
    generate(parser.parse_args().output)


if __name__ == "__main__":
    main()

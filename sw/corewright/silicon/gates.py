# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a simulator needs of a netlist: models of its cells, and a module in the place of the RTL's.

The flow ``cw_gates`` runs ``python -m corewright.silicon.gates cells`` and ``... wrapper``. Models
are those of Yosys' own library but for cells that have one in the flow's folder ``cw_gates``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from corewright.files import reason
from corewright.silicon.cells import NetlistError, cell_of
from corewright.silicon.command import written

_MODULE = re.compile(r"^module\s+(\\\S+|\w+).*?^endmodule\b", re.MULTILINE | re.DOTALL)
# Delays: no netlist here has any, and they are most of the library's text.
_SPECIFY = re.compile(r"^[ \t]*specify\b.*?^[ \t]*endspecify\b[^\n]*\n", re.MULTILINE | re.DOTALL)


def cells_of(path: Path, top: str, family: str) -> dict[str, int]:
    """Return how many cells of each type a flat netlist has, sorted by type.

    Args:
        path: what Yosys' ``write_json`` has written.
        top: its module.
        family: what it was mapped to.

    Raises:
        NetlistError: the file cannot be read or has no such module, or a cell is no cell of the
            family: it was not mapped.
    """
    try:
        modules = json.loads(path.read_bytes())["modules"]
        kinds = Counter(cell["type"] for cell in modules[top]["cells"].values())
    except KeyError as error:
        raise NetlistError(f"{path}: has no {error}") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise NetlistError(f"{path}: is no netlist of Yosys: {reason(error)}") from error
    find = cell_of(family)
    return {kind: kinds[kind] for kind in sorted(kinds) if find(kind) is not None}


def library_modules(text: str) -> dict[str, str]:
    """Return the modules of a library of Verilog by name, without their delays."""
    return {match[1]: _SPECIFY.sub("", match[0]) + "\n" for match in _MODULE.finditer(text)}


def models(kinds: Collection[str], library: Mapping[str, str], own: Collection[str]) -> str:
    """Return the Verilog of a library's models of cells.

    Args:
        kinds: types of cells.
        library: its modules, see :func:`library_modules`.
        own: types that have a model elsewhere.

    Raises:
        NetlistError: a type has no model.
    """
    taken = [kind for kind in kinds if kind not in own]
    if missing := [kind for kind in taken if kind not in library]:
        raise NetlistError(f"no model simulates {', '.join(missing)}")
    return "\n".join(library[kind] for kind in taken)


def wrapper(source: str, module: str, netlist: str) -> str:
    """Return a module with the parameters and ports of another one, and a netlist in it.

    Args:
        source: SystemVerilog of the module, whose header ends with a line ``);``.
        module: its name.
        netlist: name of a module with the same ports, and no parameters.

    Raises:
        NetlistError: there is no such header.
    """
    header = re.search(
        rf"^module\s+{re.escape(module)}\b.*?^\);$", source, re.MULTILINE | re.DOTALL
    )
    if header is None:
        raise NetlistError(f"the source has no module {module} whose ports end with a line );")
    return f"{header[0]}\n\n  {netlist} u_netlist (.*);\n\nendmodule\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write models or a wrapper; returns 0, or 1 after an error."""
    parser = argparse.ArgumentParser(prog="python -m corewright.silicon.gates", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    cells = commands.add_parser("cells", help="models of a netlist's cells")
    cells.add_argument("netlist", type=Path)
    cells.add_argument("--top", required=True)
    cells.add_argument("--family", required=True)
    cells.add_argument("--library", type=Path, required=True)
    cells.add_argument("--own", nargs="*", default=[], help="cells with a model elsewhere")
    cells.add_argument("--out", type=Path, required=True)
    wrap = commands.add_parser("wrapper", help="the RTL's module around a netlist")
    wrap.add_argument("source", type=Path)
    wrap.add_argument("--module", required=True)
    wrap.add_argument("--netlist", required=True)
    wrap.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)

    def text() -> str:
        if options.what == "wrapper":
            source = options.source.read_text(encoding="utf-8")
            return wrapper(source, options.module, options.netlist)
        kinds = cells_of(options.netlist, options.top, options.family)
        library = library_modules(options.library.read_text(encoding="utf-8"))
        return models(kinds, library, options.own)

    return written(options.out, text)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Designs with several generated accelerators: FuseSoC cores and their top, written to a folder.

``python core/gen/dv/soc.py`` writes the top of ``examples/two_accelerators``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corewright.environment import repository_root

TOP = "cw_soc"
# The top of the example: it shall say what somebody would write by hand.
EXAMPLE = repository_root() / "examples" / "two_accelerators" / "rtl" / "two_accelerators.sv"
EXAMPLE_INSTANCES = {"wide": "example_wide", "narrow": "example_narrow"}
_EXAMPLE_HEAD = """\
// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Two accelerators of different configurations, `example_wide` and `example_narrow`, which share
/// clock and reset and nothing else. Each has all ports of its own: registers behind an AXI4-Lite
/// subordinate, memory behind four AXI4 managers, an interrupt. A chip has its interconnect here.
"""
_PORT = re.compile(r"^ {4}(input|output) +logic +(\[[^\]]*\])? *(\w+)", re.M)


def accelerator_core(name: str, sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a core that configures one accelerator for each generate section.

    Args:
        name: the core's full name.
        sections: by generate section, the generator's parameters.
    """
    calls = {key: {"generator": "system", "parameters": dict(v)} for key, v in sections.items()}
    return {
        "name": name,
        "filesets": {"design": {"depend": ["corewright:core:gen"]}},
        "generate": calls,
        "targets": {"default": {"filesets": ["design"], "generate": list(sections)}},
    }


def write_soc(folder: Path, cores: list[dict[str, Any]], instances: Mapping[str, str]) -> None:
    """Write cores of accelerators, and the design ``corewright:test:soc:0`` that depends on them.

    Args:
        folder: where.
        cores: see :func:`accelerator_core`.
        instances: by prefix of its ports, the module that stands in the design.
    """
    for number, core in enumerate(cores):
        (folder / f"accelerator{number}").mkdir()
        _write_core(folder / f"accelerator{number}" / "accelerator.core", core)
    (folder / f"{TOP}.sv").write_text(soc_text(instances), encoding="utf-8")
    providers = ["corewright:core:pe_integer", "corewright:prim_generic:ram_1r1w"]
    files = {"files": [f"{TOP}.sv"], "file_type": "systemVerilogSource"}
    soc = {
        "name": "corewright:test:soc:0",
        "filesets": {"soc": {**files, "depend": [*(core["name"] for core in cores), *providers]}},
        "targets": {
            "lint": {
                "filesets": ["soc"],
                "toplevel": TOP,
                "flow": "cw_lint",
                "flow_options": {"verilator_options": ["-Wall"]},
            }
        },
    }
    _write_core(folder / "soc.core", soc)


def soc_text(instances: Mapping[str, str], top: str = TOP) -> str:
    """Return a top in which all accelerators have ports of their own, but for clock and reset."""
    template = repository_root() / "core" / "gen" / "rtl" / "cw_accelerator_configured.sv"
    ports = _PORT.findall(template.read_text(encoding="utf-8"))
    own = [port for port in ports if port[2] not in ("clk_i", "rst_ni")]
    listed = ["  input  logic clk_i", "  input  logic rst_ni"]
    bodies = []
    for prefix, module in instances.items():
        configuration = f"{module}_config_pkg::Cfg"
        for direction, width, name in own:
            bound = width.replace("AxiBytes", "AxiBits/8").replace(" ", "")
            bound = re.sub(r"\b(AddrBits|AxiBits)\b", rf"{configuration}.\1", bound)
            words = [f"  {direction:6} logic", bound, f"{prefix}_{name}"]
            listed.append(" ".join(filter(None, words)))
        connections = [".clk_i", ".rst_ni", *(f".{n}({prefix}_{n})" for _, _, n in own)]
        joined = ",\n    ".join(connections)
        bodies.append(f"  {module} u_{prefix} (\n    {joined}\n  );\n")
    head = ",\n".join(listed)
    return f"module {top} (\n{head}\n);\n\n" + "\n".join(bodies) + "\nendmodule\n"


def example_text() -> str:
    """Return the top of the example."""
    return _EXAMPLE_HEAD + soc_text(EXAMPLE_INSTANCES, EXAMPLE.stem)


def _write_core(path: Path, core: Mapping[str, Any]) -> None:
    path.write_text(f"CAPI=2:\n{json.dumps(core, indent=2)}\n", encoding="utf-8")


if __name__ == "__main__":
    EXAMPLE.write_text(example_text(), encoding="utf-8")

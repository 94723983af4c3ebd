# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the cores of all systems have in common: their filesets and their targets.

FuseSoC looks a target up in the core that it is asked to run and in no other, and cores inherit
nothing, so each system's core holds all of it. Here it stands once.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import yaml

from corewright.environment import command_line, repository_root

# How the name of a description ends; its core's is the same, with .core.
SUFFIX = ".system.yaml"
# What each system's design depends on, and providers of the virtual cores.
ACCELERATOR, GENERATORS = "corewright:core:accelerator", "corewright:core:gen"
PROCESSING_ELEMENT = "corewright:core:pe_integer"
# The virtual core of the array.
ARRAY = "corewright:core:pe_array"
RAM = "corewright:prim_generic:ram_1r1w"
# The targets that simulate with Verilator: the RTL, and a netlist of it.
SIMULATION, GATES = "sim", "gls"
_FIRST_LINE = "CAPI=2:"

# Names are marked by @.
_CORE = """\
CAPI=2:
# SPDX-License-Identifier: @LICENSE@
# Made of @SOURCE@ by `python -m corewright.gen.systems`; do not edit.
name: "@VLNV@"
description: @DESCRIPTION@
license: "@LICENSE@"

filesets:
  design:
    depend:
      - "corewright:core:accelerator"
      - "corewright:core:gen"
      - "@PROCESSING_ELEMENT@"
      - "@RAM@"
  asic:
    depend:
      - "corewright:core:accelerator"
      - "corewright:core:gen"
      - "@PROCESSING_ELEMENT@"
      # fusesoc run --flag ram_macros: the macros of a PDK file, see docs/asic.md.
      - "!ram_macros ? (@RAM@)"
      - "ram_macros ? (corewright:prim_asic:ram_1r1w)"
  bench:
    depend:
      - "corewright:core:accelerator_bench"
  board:
    depend:
      - "corewright:boards:vivado"

generate:
  system:
    generator: "system"
    parameters:
@PARAMETERS@

targets:
  default: &default
    description: "The configured accelerator, for a design that depends on this core"
    filesets: ["design"]
    generate: ["system"]
    toplevel: "@MODULE@"

  sim: &sim
    <<: *default
    description: "Verilator: real firmware, every layer's tensor compared bit by bit"
    filesets_append: ["bench"]
    generate: [{system: {top: "bench"}}]
    toplevel: "cw_bench"
    flow: "cw_verilator"

  # Configuration only: no program is compiled for it.
  lint:
    <<: *sim
    description: "Verilator lint of design and bench with all warnings"
    generate: [{system: {top: "bench", model: null}}]
    flow: "cw_lint"
    flow_options:
      verilator_options: ["-Wall"]

  xsim:
    <<: *sim
    description: "Vivado's simulator: real firmware over DPI, as in Verilator"
    toplevel: "cw_bench_timed"
    flow: "cw_xsim"

  # Configuration only, as for lint.
  genus: &asic
    <<: *default
    description: "Genus: netlist, constraints and reports for the process of --pdk FILE"
    filesets: ["asic"]
    generate: [{system: {model: null}}]
    flow: "cw_genus"
    flow_options:
      clock_mhz: @CLOCK_MHZ@
  innovus:
    <<: *asic
    description: "Genus and Innovus: layout, checks and reports for the process of --pdk FILE"
    flow: "cw_innovus"

  synth:
    <<: *default
    description: "Yosys: LUT, FF, DSP and RAM by block, and the longest paths, see docs/silicon.md"
    generate: [{system: {model: null}}]
    flow: "cw_synth"
    flow_options:
      family: "xc7"
  ecp5:
    <<: *default
    description: "Yosys and nextpnr: place and route of 8x8 units for ECP5, see docs/silicon.md"
    generate: [{system: {model: null, processing_elements: [8, 8]}}]
    flow: "cw_ecp5"
    flow_options:
      seeds: 3
  gls:
    <<: *sim
    description: "Gate level: the bench of sim around a netlist of 4x4 units for series 7"
    generate: [{system: {top: "gates", processing_elements: [4, 4]}}]
    flow: "cw_gates"
    flow_options:
      module: "@MODULE@"
      replaces: "cw_accelerator"
      # In the place of the bench's own: compiling takes longer than running.
      make_options: ["OPT_FAST=-O1"]
@BOARDS@"""
_FIRST_BOARD = """
  @BOARD@: &board
    <<: *default
    description: "Vivado: bitstream and reports for the board that the target is named after"
    filesets_append: ["board"]
    generate: [{system: {top: "board", @ARGUMENTS@}}]
    toplevel: "cw_system_wrapper"
    flow: "vivado"
"""
_FURTHER_BOARD = """\
  @BOARD@:
    <<: *board
    generate: [{system: {top: "board", @ARGUMENTS@}}]
"""


def system_core(
    vlnv: str,
    *,
    description: str,
    parameters: Mapping[str, Any],
    clock_mhz: float,
    boards: Mapping[str, float | None],
    source: str,
    oversize: Container[str] = (),
    license: str = "Apache-2.0",
    processing_element: str = PROCESSING_ELEMENT,
    ram: str = RAM,
) -> str:
    """Return the text of a system's .core file.

    Args:
        vlnv: its full name.
        description: what it is, a line.
        parameters: of the generator ``system``, with the module's ``name``.
        clock_mhz: what the layout of a chip aims at.
        boards: the boards, each a target, with the clock in MHz that is asked for.
        source: name of the file that all of this is from.
        oversize: of the boards those that it is set up for though they may have no room.
        license: SPDX expression.
        processing_element: provider of ``corewright:core:pe_array``.
        ram: provider of ``corewright:prim:ram_1r1w``.
    """
    lines = []
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            lines.append(f"{name}:")
            lines += [f"  {key}: {json.dumps(inner)}" for key, inner in value.items()]
        else:
            lines.append(f"{name}: {json.dumps(value)}")
    targets = [_FIRST_BOARD, *[_FURTHER_BOARD] * len(boards)]
    marks = {
        "@LICENSE@": license,
        "@SOURCE@": source,
        "@VLNV@": vlnv,
        "@DESCRIPTION@": json.dumps(description, ensure_ascii=False),
        "@PROCESSING_ELEMENT@": processing_element,
        "@RAM@": ram,
        "@PARAMETERS@": "\n".join(f"      {line}" for line in lines),
        "@MODULE@": str(parameters["name"]),
        "@CLOCK_MHZ@": f"{clock_mhz:g}",
        "@BOARDS@": "".join(
            text.replace("@BOARD@", board).replace(
                "@ARGUMENTS@", _board_arguments(board, clock, oversize=board in oversize)
            )
            for text, (board, clock) in zip(targets, boards.items(), strict=False)
        ),
    }
    text = _CORE
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text


def _board_arguments(board: str, clock_mhz: float | None, *, oversize: bool) -> str:
    clock = "" if clock_mhz is None else f", clock_mhz: {clock_mhz:g}"
    return f"board: {json.dumps(board)}{clock}{', oversize: true' if oversize else ''}"


def description_of(core: Path) -> Path:
    """Return where the description of a core stands, if it has one."""
    return core.with_name(core.name.removesuffix(".core") + SUFFIX)


def making(description: Path) -> str:
    """Return the command that makes the core of a description."""
    path, here = description.resolve(), Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{command_line()} shell python -m corewright.gen.systems {shlex.quote(str(shown))}"


def core_of(text: str) -> Any:
    """Return the contents of a .core file's text.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    return yaml.safe_load(text.removeprefix(_FIRST_LINE))


def processing_elements() -> dict[str, str]:
    """Return the tree's providers of the array: by the core's third word its name.

    They are the cores of ``core/pe`` that provide ``corewright:core:pe_array``, ``pe_integer``
    for one: another of them needs nothing but its file.
    """
    found = {}
    for path in sorted((repository_root() / "core" / "pe").rglob("*.core")):
        core = core_of(path.read_text(encoding="utf-8"))
        if ARRAY in core.get("virtual", ()):
            name = str(core["name"]).rpartition(":")[0]
            found[name.rpartition(":")[2]] = name
    return found


def structure_of(
    core: Mapping[str, Any] | None,
    processing_element: str = PROCESSING_ELEMENT,
    target: str = SIMULATION,
) -> dict[str, Any]:
    """Return what determines a system's build beside its hardware: a target and its filesets.

    Args:
        core: a system's; of the tree's own parts when None.
        processing_element: provider of the array, of the tree's own parts.
        target: ``sim`` or ``gls``; one that the core does not have is empty.
    """
    if core is None:
        core = core_of(
            system_core(
                "corewright:generated:system:0",
                description="",
                parameters={"name": "cw_system"},
                clock_mhz=1,
                boards={},
                source="",
                processing_element=processing_element,
            )
        )
    targets = core.get("targets", {})
    sim = {k: v for k, v in targets.get(target, {}).items() if k != "description"}
    used = {*sim.get("filesets", ()), *sim.get("filesets_append", ())}
    filesets = {name: files for name, files in core.get("filesets", {}).items() if name in used}
    return {"filesets": filesets, "targets": {target: sim}}

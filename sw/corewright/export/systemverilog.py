# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""SystemVerilog packages that say what a hardware is."""

from __future__ import annotations

import re

from corewright.environment import repository_root
from corewright.facts.tables import CONFIGURATION
from corewright.hardware import Hardware

# The modules that scripts read, with the package.
_TEMPLATE, _TEMPLATE_PACKAGE = "cw_accelerator_configured", "cw_config_pkg"
_CELL = "cw_accelerator_bd"
_SV_HEADER = """\
// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors
// Generated from a hardware description by corewright.export; do not edit.
"""


def _sv_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"package name is {name!r}, legal is a SystemVerilog identifier")
    return name


def configuration_package(hw: Hardware, name: str = "cw_config_pkg") -> str:
    """Returns the SystemVerilog package that holds ``hw`` as ``cw_pkg::cfg_t Cfg``.

    Raises:
        ValueError: ``name`` is no SystemVerilog identifier.
    """
    members = {
        member.name: value if member.width is None else f"{member.width}'h{value:08x}"
        for member in CONFIGURATION
        for value in [getattr(hw, member.attribute)]
    }
    body = ",\n".join(f"      {key}: {value}" for key, value in members.items())
    return (
        f"{_SV_HEADER}\n"
        "/// One accelerator's configuration.\n"
        f"package {_sv_name(name)};\n\n"
        "  localparam cw_pkg::cfg_t Cfg = '{\n"
        f"{body}\n"
        "  };\n\n"
        "endpackage\n"
    )


def configured_module(name: str, package: str) -> str:
    """Return the SystemVerilog module ``name``: ``cw_accelerator`` with a package's ``Cfg``.

    Raises:
        ValueError: a name is no SystemVerilog identifier.
    """
    source = repository_root() / "core" / "gen" / "rtl" / f"{_TEMPLATE}.sv"
    text = source.read_text(encoding="utf-8")
    return text.replace(_TEMPLATE_PACKAGE, _sv_name(package)).replace(_TEMPLATE, _sv_name(name))


def cell_module(hw: Hardware, name: str, configured: str) -> str:
    """Return the Verilog module ``name``: a block design's cell around the module ``configured``.

    Its widths are the hardware's without a parameter being set.

    Raises:
        ValueError: a name is no SystemVerilog identifier.
    """
    source = repository_root() / "boards" / "rtl" / f"{_CELL}.v"
    text = source.read_text(encoding="utf-8")
    text = text.replace(_CELL, _sv_name(name)).replace(_TEMPLATE, _sv_name(configured))
    for parameter, value in {"AddrBits": hw.address_width, "AxiBits": hw.axi_width}.items():
        text, found = re.subn(rf"(parameter {parameter} +=) \d+", rf"\g<1> {value}", text)
        if found != 1:
            raise ValueError(f"{source}: has {found} parameters {parameter}, legal is one")
    return text


def simulation_package(hw: Hardware, name: str = "cw_config_tb_pkg") -> str:
    """Returns the SystemVerilog package with what only a simulation of ``hw`` needs.

    Raises:
        ValueError: ``name`` is no SystemVerilog identifier.
    """
    return (
        f"{_SV_HEADER}\n"
        "/// How the accelerator of the configuration package is simulated.\n"
        f"package {_sv_name(name)};\n\n"
        f"  localparam real ClockPeriodNs = {float(1000 / hw.frequency_mhz)!r};\n"
        "  // Probability that a memory channel does not stall in a cycle.\n"
        f"  localparam real ValidProb = {float(hw.valid_prob)!r};\n"
        f"  localparam real ReadyProb = {float(hw.ready_prob)!r};\n\n"
        "endpackage\n"
    )

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Constraints (SDC), corners (MMMC) and settings as Tcl."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edalize.cw_asic.pdk import Pdk

MODE = "functional"
_PLAIN = re.compile(r"[^\s{}\[\]\"$\\;]+")


def tcl_list(words: Iterable[object]) -> str:
    """Return a Tcl list, in braces.

    Raises:
        RuntimeError: a word is one that Tcl would not take as it is.
    """
    found = []
    for word in map(str, words):
        if not _PLAIN.fullmatch(word):
            raise RuntimeError(f"{word!r} cannot stand in a Tcl script: it has spaces or brackets")
        found.append(word)
    return "{" + " ".join(found) + "}"


@dataclass(frozen=True)
class Timing:
    """What a block promises to its surroundings.

    Args:
        clock: name of the clock's port.
        reset: name of the asynchronous reset's port; None: there is none.
        megahertz: frequency of the clock.
        input_share: part of a period that has passed when an input arrives.
        output_share: part of a period that is left for what follows an output.
        uncertainty_share: part of a period for jitter, and before clock tree synthesis for skew.
    """

    clock: str
    reset: str | None
    megahertz: float
    input_share: float
    output_share: float
    uncertainty_share: float

    def __post_init__(self) -> None:
        """Refuse what no design could meet."""
        if not self.megahertz > 0:
            raise RuntimeError(f"clock_mhz is {self.megahertz}, legal are numbers above 0")
        for name in ("input_share", "output_share", "uncertainty_share"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise RuntimeError(f"{name} is {value}, legal are 0 to below 1")

    @property
    def period(self) -> float:
        """Return the period in ns."""
        return 1000 / self.megahertz


def sdc(timing: Timing, pdk: Pdk) -> str:
    """Return the constraints of a block with one clock."""
    clock, period = timing.clock, timing.period
    ports = [clock] if timing.reset is None else [clock, timing.reset]
    lines = [
        "set_units -time 1.0ns -capacitance 1.0pF",
        f"create_clock -name {clock} -period {period:.4f} [get_ports {clock}]",
        f"set_clock_uncertainty {period * timing.uncertainty_share:.4f} [get_clocks {clock}]",
        f"set inputs [remove_from_collection [all_inputs] [get_ports {tcl_list(ports)}]]",
        f"set_input_delay {period * timing.input_share:.4f} -clock {clock} $inputs",
        f"set_output_delay {period * timing.output_share:.4f} -clock {clock} [all_outputs]",
    ]
    if timing.reset is not None:
        lines.append(f"set_false_path -from [get_ports {timing.reset}]")
    if pdk.input_transition_ns is not None:
        lines.append(f"set_input_transition {pdk.input_transition_ns} $inputs")
    if pdk.output_load_pf is not None:
        lines.append(f"set_load {pdk.output_load_pf} [all_outputs]")
    return "\n".join([*lines, ""])


def mmmc(pdk: Pdk, constraints: str) -> str:
    """Return the corners, with the SDC files of the one mode in which the block runs."""
    lines = [f"create_constraint_mode -name {MODE} -sdc_files {tcl_list([constraints])}"]
    for corner in pdk.corners:
        name = corner.name
        rc = f"create_rc_corner -name {name}_rc -temperature {corner.temperature}"
        if corner.qrc is not None:
            rc += f" -qrc_tech {tcl_list([corner.qrc])}"
        lines += [
            f"create_library_set -name {name}_set -timing {tcl_list(corner.liberty)}",
            f"create_timing_condition -name {name}_condition -library_sets {name}_set",
            rc,
            f"create_delay_corner -name {name}_delay -timing_condition {name}_condition"
            f" -rc_corner {name}_rc",
            f"create_analysis_view -name {name}_view -constraint_mode {MODE}"
            f" -delay_corner {name}_delay",
        ]
    views = {
        use: tcl_list(f"{corner.name}_view" for corner in pdk.corners_for(use))
        for use in ("setup", "hold")
    }
    lines.append(f"set_analysis_view -setup {views['setup']} -hold {views['hold']}")
    return "\n".join([*lines, ""])


def settings(pdk: Pdk, top: str, more: Mapping[str, str]) -> str:
    """Return the variables that the scripts read: a Tcl ``set`` a line."""
    plan, memory = pdk.power_plan, pdk.memory
    stripes = " ".join(
        tcl_list([each.layer, each.direction, each.width, each.spacing, each.pitch])
        for each in plan.stripes
    )
    ring = plan.ring
    values = {
        "Top": tcl_list([top]),
        "Node": str(pdk.node_nm),
        "Lef": tcl_list(pdk.lef),
        "Site": tcl_list([pdk.site]),
        "Power": tcl_list([pdk.power.net]),
        "PowerPins": tcl_list(pdk.power.pins),
        "Ground": tcl_list([pdk.ground.net]),
        "GroundPins": tcl_list(pdk.ground.pins),
        "Routing": tcl_list([pdk.routing.bottom, pdk.routing.top]),
        "Ring": tcl_list([ring.horizontal, ring.vertical, ring.width, ring.spacing, ring.offset]),
        "Stripes": "{" + stripes + "}",
        "Tie": tcl_list([pdk.tie.high, pdk.tie.low]),
        "DontUse": tcl_list(pdk.dont_use),
        "Fillers": tcl_list(pdk.fillers),
        "Taps": tcl_list([pdk.taps.cell, pdk.taps.interval] if pdk.taps else []),
        "ClockBuffers": tcl_list(pdk.clock.buffers),
        "ClockInverters": tcl_list(pdk.clock.inverters),
        "MacroHalo": str(memory.halo if memory else 0),
        "Gds": tcl_list(pdk.gds),
        "GdsMap": tcl_list([pdk.gds_map] if pdk.gds_map else []),
        "SetupView": f"{pdk.corners_for('setup')[0].name}_view",
        "SetupSet": f"{pdk.corners_for('setup')[0].name}_set",
        "RcCorners": tcl_list(f"{corner.name}_rc" for corner in pdk.corners),
        **more,
    }
    return "".join(f"set {name} {value}\n" for name, value in values.items())


def script(name: str) -> str:
    """Return one of the Tcl scripts of this package, behind what they share."""
    texts = [(Path(__file__).parent / part).read_text("utf-8") for part in ("common.tcl", name)]
    return "".join(texts)

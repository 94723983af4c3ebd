# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Synthesis by Yosys, place and route by nextpnr for Lattice's ECP5, out of context, by N seeds.

Both are YoWASP's wheels. All ports but clock and reset are registered in the netlist, so that paths
from and to them count as paths of a design around it would.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from edalize.tools.cw_synth import NETLIST, SUMMARY, Cw_synth
from edalize.tools.cw_xsim import for_make

from corewright.environment import prepare_yowasp

ROUTED = "route.json"
_REGISTERED = "registered.json"
# By part the option of nextpnr, and a package of it.
PARTS = {"LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}
_PACKAGE = {"LFE5U-25F": "CABGA381", "LFE5U-45F": "CABGA554", "LFE5U-85F": "CABGA756"}


class Cw_ecp5(Cw_synth):  # noqa: N801 - Edalize looks a class up by its module's name
    """Place and route of a core, see :mod:`edalize.flows.cw_ecp5`."""

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        "yosys": Cw_synth.TOOL_OPTIONS["yosys"],
        "part": {"type": "str", "desc": f"One of {', '.join(PARTS)} (default: LFE5U-85F)"},
        "speed": {"type": "int", "desc": "Speed grade: 6, 7 or 8 (default: 6)"},
        "seeds": {"type": "int", "desc": "Runs of place and route, from seed 1 (default: 1)"},
        "clock_mhz": {"type": "real", "desc": "Frequency that is aimed at (default: 75)"},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        """List the commands of the synthesis, and those of place and route behind them.

        Raises:
            RuntimeError: see the class above; or an option is wrong.
        """
        super().setup(edam)
        prepare_yowasp("nextpnr-ecp5")
        options = self.tool_options
        part, speed = options.get("part") or "LFE5U-85F", int(options.get("speed") or 6)
        if part not in PARTS:
            raise RuntimeError(f"cw_ecp5: part is {part!r}, legal are {', '.join(PARTS)}")
        if speed not in (6, 7, 8):
            raise RuntimeError(f"cw_ecp5: speed is {speed}, legal are 6, 7, 8")
        seeds, clock = int(options.get("seeds") or 1), float(options.get("clock_mhz") or 75)
        if seeds < 1:
            raise RuntimeError(f"cw_ecp5: seeds is {seeds}, legal are integers from 1")
        module = [sys.executable, "-P", "-m", "corewright.silicon.route"]
        words = [*module, "register", NETLIST, "--top", self.toplevel, "--out", _REGISTERED]
        self.commands.add(for_make(words), [_REGISTERED], [NETLIST])
        reports = []
        for seed in range(1, seeds + 1):
            report, log = f"route{seed}.json", f"route{seed}.log"
            words = [sys.executable, "-P", "-m", "corewright.silicon.yowasp", "nextpnr-ecp5", "-q"]
            words += [PARTS[part], "--package", _PACKAGE[part], "--speed", str(speed)]
            words += ["--out-of-context", "--json", _REGISTERED, "--freq", f"{clock:g}"]
            words += ["--timing-allow-fail", "--seed", str(seed)]
            words += ["--report", report, "--log", log]
            # What a former run has left, or one leaves that fails later, is no result.
            call = ["rm", "-f", report, "&&", *for_make(words)]
            call += ["||", f"{{ rm -f {report}; tail -n 20 {log}; exit 1; }}"]
            self.commands.add(call, [report], [_REGISTERED])
            reports.append(report)
        words = [*module, "summary", NETLIST, "--top", self.toplevel, "--out", ROUTED]
        words += ["--part", f"{part}-{speed}", "--reports", *reports]
        self.commands.add(for_make(words), [ROUTED], [*reports, SUMMARY])
        self.commands.set_default_target(ROUTED)

    def _family(self) -> str:
        return "ecp5"

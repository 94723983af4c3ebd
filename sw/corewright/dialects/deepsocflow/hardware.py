# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``Hardware`` as scripts use it: the description, with methods that write files and run tools.

The description (:class:`corewright.hardware.Hardware`) is at the bottom of the package, ``export``
and ``flow`` are above it, so its methods for scripts are here, above both. Nothing but scripts and
dialects needs this class: what takes a hardware takes the description.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from corewright import export, flow, hardware
from corewright.dialects.deepsocflow.reference_names import ReferenceNames
from corewright.flow.fit import require_fit


class Hardware(ReferenceNames, hardware.Hardware):
    """An accelerator; keywords, defaults and errors are those of the description.

    Its methods are those of the reference's scripts.
    """

    def export_json(self, path: str | os.PathLike[str] = "./hardware.json") -> Path:
        """Write all parameters to ``path`` and return it."""
        return export.write_json(self, path)

    def export(
        self,
        directory: str | os.PathLike[str] = ".",
        *,
        core: str = "corewright:core:accelerator",
        target: str = "lint",
    ) -> tuple[Path, ...]:
        """Write what tools outside of FuseSoC need: see :func:`export.write_configuration`."""
        return export.write_configuration(self, directory, core=core, target=target)

    def export_vivado_tcl(
        self,
        board: str = "zcu104",
        directory: str | os.PathLike[str] = ".",
        *,
        clock_mhz: float | None = None,
    ) -> Path:
        """Write ``vivado_flow.tcl`` and what it reads: see :func:`export.write_vivado_flow`.

        Raises:
            ValueError: also where the board's part has no room: see :func:`flow.fit.require_fit`.
        """
        require_fit(self, export.find_board(board))
        return export.write_vivado_flow(self, board, directory, clock_mhz=clock_mhz)

    def simulate(
        self,
        SIM: str = "verilator",  # noqa: N803 - the reference's name
        SIM_PATH: str = "",  # noqa: N803 - the reference's name
        stalls: str = "none",
    ) -> dict[str, Any]:
        """Simulate what was exported for this hardware into ``data_dir``.

        Args:
            SIM: the simulator, ``verilator``.
            SIM_PATH: folder of the simulator, if it is not in ``PATH``.
            stalls: of the memory: ``none``, ``light``, ``heavy``, or ``hardware``: as
                ``valid_prob`` and ``ready_prob`` say.

        Returns:
            The report: see :func:`corewright.flow.simulate_exported`, also for what is raised.
        """
        return flow.simulate_exported(self, SIM=SIM, SIM_PATH=SIM_PATH, stalls=stalls)

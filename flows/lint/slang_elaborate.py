# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Elaborate SystemVerilog with slang, with the arguments of its command line.

Usage: ``python flows/lint/slang_elaborate.py --top cw_x -I include rtl/cw_x.sv``. The status is 0
for a clean design, 1 after an error (or a warning, with ``-Werror``), 2 for bad arguments.
"""

from __future__ import annotations

import shlex
import sys

from pyslang.driver import Driver


def elaborate(arguments: list[str]) -> int:
    """Elaborate and analyse; diagnostics go to standard error. Returns the exit status."""
    driver = Driver()
    driver.addStandardArgs()
    command_line = shlex.join(["slang", *arguments])
    if not (driver.parseCommandLine(command_line) and driver.processOptions()):
        return 2
    clean = driver.parseAllSources()
    compilation = driver.createCompilation()
    driver.reportCompilation(compilation, False)
    driver.runAnalysis(compilation)
    clean = driver.reportDiagnostics(False) and clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(elaborate(sys.argv[1:]))

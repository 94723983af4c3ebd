# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What hardware, firmware and Python have to agree on about an accelerator, each fact once.

``tables`` holds what is listed, ``widths`` what is computed; ``generate`` writes both into the
SystemVerilog and C of this tree. The program's format is ``corewright.program.format``.
"""

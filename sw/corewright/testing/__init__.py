# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the test launchers of all blocks share: cocotb runs, formal proofs, lists of sources."""

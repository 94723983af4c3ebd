# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The command line behind ``./cw``."""

from corewright.cli.main import main

__all__ = ["main"]

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The FuseSoC generator ``system``: from hardware and model to everything derived of them."""

from corewright.gen.generate import SystemGenerator, configuration_name, main

__all__ = ["SystemGenerator", "configuration_name", "main"]

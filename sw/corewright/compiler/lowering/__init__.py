# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""How operators run on this accelerator, a module each: importing this package registers all."""

from corewright.rooms import open_rooms

open_rooms(__name__, __path__)

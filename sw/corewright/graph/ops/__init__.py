# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The operators, a module each: importing this package registers them all."""

from corewright.rooms import open_rooms

open_rooms(__name__, __path__)

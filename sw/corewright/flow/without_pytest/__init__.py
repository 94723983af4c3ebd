# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A folder for the path of a simulation, see ``pytest.py``."""

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Lets the lint's tests import their neighbours: pytest's importlib mode adds no folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""``python -m corewright.cli``."""

import sys

from corewright.cli.main import main

sys.exit(main())

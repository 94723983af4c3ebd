# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""FuseSoC runs this with the path of its YAML input; corewright.gen does the work."""

import sys

from corewright.gen import main

if __name__ == "__main__":
    sys.exit(main())

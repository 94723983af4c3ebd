# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""FuseSoC runs this with the path of its YAML input; corewright.gen does the work."""

import logging
import sys

try:
    from corewright.gen import main
except ModuleNotFoundError as error:
    sys.exit(f"{error}: please pip install corewright for the python3 that FuseSoC finds")

if __name__ == "__main__":
    # Among FuseSoC's own lines: what a system takes of a board's part, by an estimate.
    logging.basicConfig(format="%(message)s")
    logging.getLogger("corewright").setLevel(logging.INFO)
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""FuseSoC runs this with the path of its YAML input; corewright.gen does the work."""

import sys

try:
    from corewright.gen import main
except ModuleNotFoundError as error:
    sys.exit(f"{error}: please pip install corewright for the python3 that FuseSoC finds")

if __name__ == "__main__":
    sys.exit(main())

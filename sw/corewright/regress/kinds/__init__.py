# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""How a case is judged: a module a kind of suite."""

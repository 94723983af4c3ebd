# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Bugs put into copies of the RTL by rule, and which the tests find; see docs/mutation.md."""

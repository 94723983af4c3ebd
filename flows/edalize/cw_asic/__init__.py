# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the flows ``cw_genus`` and ``cw_innovus`` share: PDK file, constraints, reports."""

# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Front ends that speak as other systems' scripts do, each on the same graph and flow."""

# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The reference's scripts: what ``from corewright import Bundle, Hardware, QInput, QModel`` gives.

``bundle`` needs TensorFlow when it is imported, ``hardware`` does not; so this imports neither.
"""

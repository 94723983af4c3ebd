# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Identity passes for what does not lie where it has to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from corewright.compiler.operation import HostOperation, Operation, copy_operation
from corewright.compiler.room import Context, Lowering
from corewright.graph import CopyNode

C = TypeVar("C", bound=CopyNode)


class CopyLowering(Lowering[C]):
    """Nothing to do but the copies that its place needs."""

    def lower(self, context: Context, node: C) -> Iterator[Operation | HostOperation]:
        """Yield the copies."""
        for name, source, target in context.copies.get(node.name, ()):
            size = context.size(name)
            yield copy_operation(node.name, size, source, target, context.hardware)

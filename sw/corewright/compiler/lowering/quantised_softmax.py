# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Softmax in integers: the host's."""

from __future__ import annotations

from collections.abc import Iterator

from corewright.compiler.operation import HostOperation, Operation
from corewright.compiler.room import Context, Lowering, lowers
from corewright.graph import QuantisedSoftmax
from corewright.program import HostOpcode


@lowers(QuantisedSoftmax)
class QuantisedSoftmaxLowering(Lowering[QuantisedSoftmax]):
    """A host operation between two stages."""

    on_host = True
    # The host writes whole tensors.
    whole = True

    def lower(
        self, context: Context, node: QuantisedSoftmax
    ) -> Iterator[Operation | HostOperation]:
        """Yield the host operation."""
        source, opcode = context.places[node.input], HostOpcode.SOFTMAX
        yield HostOperation(
            name=node.name,
            kind=opcode.name.lower(),
            source=source,
            target=context.places[node.output.name],
            size=context.size(node.input),
            fields={
                "host_opcode": int(opcode),
                "channels": source.channels // node.runs,
                "runs": node.runs,
                "shift": node.output.fraction,
                "clip_low": node.low,
                "clip_high": node.high,
            },
            table=node.table,
        )

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Ways to make a case smaller: each yields candidates, the smallest first; few are legal.

A candidate is a whole case. Of a network that is cut, the input takes the integers that the golden
model has there, so that what the rest computes stays as it was. What changes a tensor's size fits
all that reads it: weights and windows are cropped.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from corewright import golden
from corewright.compiler import CompileError, compile_graph
from corewright.facts.widths import is_sign, number_range
from corewright.flow.errors import FlowInputError
from corewright.graph import (
    ComputeNode,
    Graph,
    GraphError,
    Requant,
    RequantNode,
    Tensor,
    WeightedNode,
    identity_pool,
)
from corewright.graph.node import steps
from corewright.hardware import Hardware
from corewright.regress.drawn import Drawn

# Parameters that a network is made for.
_OF_THE_NETWORK = ("bits_input", "bits_weights", "processing_elements")
# A single bit is a sign.
_LEAST_BITS = 2
_AXI_WIDTHS = (32, 64, 128, 256, 512)


# ------------------------------------------------------------------------------------ rebuilding


def rebuild(
    graph: Graph,
    nodes: Iterable[ComputeNode],
    source: Tensor | None = None,
    limits: tuple[int, int] | None = None,
) -> Graph:
    """Return a network of other nodes, each fitted to the tensors that it now reads.

    Args:
        graph: gives the name, and the input where no other is given.
        nodes: in order; they may read other tensors than before.
        source: the input.
        limits: its range.

    Raises:
        GraphError: a node cannot be fitted.
    """
    if source is None:
        source, limits = graph.input, graph.input_range
    tensors = {source.name: source}
    fitted = []
    for node in nodes:
        missing = [name for name in node.inputs if name not in tensors]
        if missing:
            raise GraphError(f"layer '{node.name}' reads {', '.join(missing)}, which is gone")
        made = node.fitted(*(tensors[name] for name in node.inputs))
        fitted.append(made)
        tensors[made.output.name] = made.output
    return Graph(graph.name, source, tuple(fitted), input_range=limits)


def _rewired(node: ComputeNode, names: Mapping[str, str]) -> ComputeNode:
    """A node that reads other tensors."""
    inputs = tuple(names.get(name, name) for name in node.inputs)
    if inputs == node.inputs:
        return node
    return _with_inputs(node, inputs)


def _with_inputs(node: ComputeNode, inputs: Sequence[str]) -> ComputeNode:
    fields = {field.name for field in dataclasses.fields(node)}
    return node.changed(**({"input": inputs[0]} if "input" in fields else {"inputs": inputs}))


def _with_graph(drawn: Drawn, graph: Graph, images: np.ndarray | None = None) -> Drawn:
    images = drawn.images if images is None else images
    return replace(drawn, graph=graph, images=images, program=None)


class _Attempts:
    """Collects candidates; what cannot be built is none."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.made: list[Drawn] = []

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Let what the graph refuses pass."""
        with contextlib.suppress(GraphError):
            yield

    def network(
        self,
        nodes: Iterable[ComputeNode],
        source: Tensor | None = None,
        limits: tuple[int, int] | None = None,
        images: np.ndarray | None = None,
    ) -> None:
        """Add the case with other nodes, if they can be."""
        with self.attempt():
            graph = rebuild(self.drawn.graph, nodes, source, limits)
            self.made.append(_with_graph(self.drawn, graph, images))


# ------------------------------------------------------------------------------------ networks


def fewer_layers(drawn: Drawn) -> Iterator[Drawn]:
    """Yield networks of fewer nodes: one alone, what one needs, what follows one, all but one."""
    graph = drawn.graph
    nodes = graph.compute_nodes
    if len(nodes) > 1:
        yield from _alone(drawn)
        for node in nodes[:-1]:
            yield from _made(drawn, _needed(graph, node))
        yield from _behind(drawn)
        for node in nodes:
            yield from _without(drawn, node)
    yield from _fewer_tensors(drawn)


def _made(drawn: Drawn, nodes: Iterable[ComputeNode]) -> Iterator[Drawn]:
    attempts = _Attempts(drawn)
    attempts.network(nodes)
    yield from attempts.made


def _needed(graph: Graph, node: ComputeNode) -> list[ComputeNode]:
    """A node and what it needs, in order."""
    wanted, found = set(node.inputs), [node]
    for other in reversed(graph.compute_nodes[: graph.compute_nodes.index(node)]):
        if other.output.name in wanted:
            wanted.update(other.inputs)
            found.append(other)
    return found[::-1]


def _values(drawn: Drawn) -> dict[str, np.ndarray]:
    return golden.run(drawn.graph, drawn.images)


def _alone(drawn: Drawn) -> Iterator[Drawn]:
    """Each node alone, or with one that gives it its second tensor, on what it had read."""
    graph = drawn.graph
    values = _values(drawn)
    attempts = _Attempts(drawn)
    for node in graph.compute_nodes:
        for name in dict.fromkeys(node.inputs):
            source, limits = graph.tensor(name), graph.value_ranges[name]
            images = np.asarray(values[name])
            same = _with_inputs(node, [name] * len(node.inputs))
            attempts.network([same], source, limits, images)
            if len(set(node.inputs)) > 1 and len(graph.compute_nodes) > 2:
                # A maximum of single elements changes nothing, but makes another tensor.
                copy = identity_pool("twin", source, f"{name}.twin")
                other = [name if each == name else copy.output.name for each in node.inputs]
                attempts.network([copy, _with_inputs(node, other)], source, limits, images)
    yield from attempts.made


def _behind(drawn: Drawn) -> Iterator[Drawn]:
    """The nodes behind a tensor, which becomes the input; the latest tensors first."""
    graph = drawn.graph
    values = _values(drawn)
    for position, producer in reversed(list(enumerate(graph.compute_nodes))):
        source = producer.output
        names = {source.name}
        kept = []
        for node in graph.compute_nodes[position + 1 :]:
            gone = {name: source.name for name in node.inputs if name not in names}
            if len(gone) < len(set(node.inputs)):
                kept.append(_rewired(node, gone))
                names.add(node.output.name)
        if kept:
            attempts = _Attempts(drawn)
            limits = graph.value_ranges[source.name]
            attempts.network(kept, source, limits, np.asarray(values[source.name]))
            yield from attempts.made


def _without(drawn: Drawn, node: ComputeNode) -> Iterator[Drawn]:
    """All nodes but one, whose readers read what it reads."""
    others = [other for other in drawn.graph.compute_nodes if other is not node]
    for name in dict.fromkeys(node.inputs):
        yield from _made(drawn, [_rewired(other, {node.output.name: name}) for other in others])


def _fewer_tensors(drawn: Drawn) -> Iterator[Drawn]:
    """Nodes that read one tensor in several places, or fewer of them."""
    nodes = drawn.graph.compute_nodes
    for at, node in enumerate(nodes):
        different = dict.fromkeys(node.inputs)
        for fewer in node.with_fewer_inputs():
            yield from _made(drawn, [*nodes[:at], fewer, *nodes[at + 1 :]])
        if len(different) > 1:
            for name in different:
                same = _with_inputs(node, [name] * len(node.inputs))
                yield from _made(drawn, [*nodes[:at], same, *nodes[at + 1 :]])


# ------------------------------------------------------------------------------------ sizes


def smaller_tensors(drawn: Drawn) -> Iterator[Drawn]:
    """Yield networks of smaller tensors: input, output channels, windows, factors."""
    yield from _smaller_input(drawn)
    for at, node in enumerate(drawn.graph.compute_nodes):
        for smaller in node.smaller():
            nodes = [*drawn.graph.compute_nodes]
            nodes[at] = smaller
            yield from _made(drawn, nodes)


def _smaller_input(drawn: Drawn) -> Iterator[Drawn]:
    graph = drawn.graph
    source = graph.input
    for axis in range(3):
        for size in steps(source.shape[axis]):
            attempts = _Attempts(drawn)
            height, width, channels = (
                size if each == axis else length for each, length in enumerate(source.shape)
            )
            cropped = replace(source, height=height, width=width, channels=channels)
            images = np.take(drawn.images, range(size), axis=axis + 1)
            attempts.network(graph.compute_nodes, cropped, graph.input_range, images)
            yield from attempts.made


# ------------------------------------------------------------------------------------ options


def simpler_layers(drawn: Drawn) -> Iterator[Drawn]:
    """Yield networks of simpler nodes: no stride, padding, bias or rounding of its own."""
    for at, node in enumerate(drawn.graph.compute_nodes):
        for simpler in _simpler_node(node):
            nodes = [*drawn.graph.compute_nodes]
            nodes[at] = simpler
            yield from _made(drawn, nodes)
    if drawn.graph.input_range != (drawn.graph.input.low, drawn.graph.input.high):
        with contextlib.suppress(GraphError):
            yield _with_graph(drawn, replace(drawn.graph, input_range=None))


def _simpler_node(node: ComputeNode) -> Iterator[ComputeNode]:
    for name, simplest in sorted(node.simplest.items()):
        value = getattr(node, name)
        # A bias is an array, which is equal to nothing as a whole.
        if isinstance(value, np.ndarray) or (value is not None and value != simplest):
            with contextlib.suppress(GraphError):
                yield node.changed(**{name: simplest})
    if isinstance(node, RequantNode):
        for simpler in _simpler_requant(node.requant, node.output):
            if simpler != node.requant:
                with contextlib.suppress(GraphError):
                    yield node.changed(requant=simpler)


def _simpler_requant(requant: Requant, output: Tensor) -> Iterator[Requant]:
    yield Requant.identity(output.low, output.high)
    yield replace(requant, low=output.low, high=output.high)
    yield replace(requant, pre_shift=0)
    yield replace(requant, negative_shift=requant.shift)
    slope = requant.negative_shift - requant.shift
    if slope >= 0:
        yield replace(requant, shift=0, negative_shift=slope)


def simpler_values(drawn: Drawn) -> Iterator[Drawn]:
    """Yield cases whose weights, biases or images are all alike."""
    for at, node in enumerate(drawn.graph.compute_nodes):
        for name in ("weights", "bias"):
            values = getattr(node, name, None)
            if values is not None and (values != 1).any():
                nodes = [*drawn.graph.compute_nodes]
                with contextlib.suppress(GraphError):
                    nodes[at] = node.changed(**{name: np.ones_like(values)})
                    yield from _made(drawn, nodes)
    low, high = drawn.graph.input_limits
    if (drawn.images != 1).any() and low <= 1 <= high:
        yield replace(drawn, images=np.ones_like(drawn.images), program=None)


# ------------------------------------------------------------------------------------ the rest


def fewer_images(drawn: Drawn) -> Iterator[Drawn]:
    """Yield smaller batches and fewer images."""
    count = len(drawn.images)
    if count > 1:
        for each in range(count):
            yield replace(drawn, batch=1, images=drawn.images[each : each + 1], program=None)
    for batch in steps(drawn.batch):
        yield replace(drawn, batch=batch, images=drawn.images[:batch], program=None)
        yield replace(drawn, batch=batch, program=None)
    for images in steps(count):
        yield replace(drawn, images=drawn.images[:images])


def simpler_options(
    drawn: Drawn, simplest: Mapping[str, Any], check: Callable[[Mapping[str, Any]], None]
) -> Iterator[Drawn]:
    """Yield cases with options closer to the simplest ones: traffic, stalls, seeds.

    Args:
        drawn: the case.
        simplest: its suite's simplest options.
        check: raises FlowInputError where options are not legal together.
    """
    if dict(drawn.options) != dict(simplest):
        yield replace(drawn, options=dict(simplest), program=None)
    for options in simpler_value(dict(drawn.options), dict(simplest)):
        with contextlib.suppress(FlowInputError):
            check(options)
            yield replace(drawn, options=options, program=None)


def simpler_value(value: Any, simplest: Any) -> Iterator[Any]:
    """Yield JSON values between one and its simplest form, the simplest first.

    Objects are changed member by member, lists lose elements, whole numbers go half of the way. A
    member that the simplest form does not have goes, or towards what is empty or 0.
    """
    if value == simplest:
        return
    if isinstance(value, dict) and isinstance(simplest, dict):
        for name, member in value.items():
            if name in simplest:
                for simpler in (
                    *((simplest[name],) if member != simplest[name] else ()),
                    *simpler_value(member, simplest[name]),
                ):
                    yield {**value, name: simpler}
            else:
                yield {each: other for each, other in value.items() if each != name}
                empty: Any = {} if isinstance(member, dict) else 0
                for simpler in simpler_value(member, empty):
                    yield {**value, name: simpler}
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
    elif isinstance(value, int) and isinstance(simplest, int) and not isinstance(value, bool):
        half = simplest + int((value - simplest) / 2)
        if half not in (value, simplest):
            yield half


def narrower_words(drawn: Drawn) -> Iterator[Drawn]:
    """Yield cases of narrower tensors or weights on the same hardware; values are clipped.

    Words of a single bit are another kind of network: two bits are the fewest.
    """
    for narrow in (_narrower_tensors, _narrower_weights):
        widest = _widest(drawn.graph, narrow is _narrower_weights)
        for bits in steps(widest, _LEAST_BITS):
            yield from narrow(drawn, bits)


def _widest(graph: Graph, weights: bool) -> int:
    """Bits of the widest tensor, or of the widest weights (0: there are none)."""
    if not weights:
        return max(tensor.bits for tensor in graph.tensors.values())
    return max((getattr(node, "weight_bits", 0) for node in graph.compute_nodes), default=0)


def _narrower_tensors(drawn: Drawn, bits: int) -> Iterator[Drawn]:
    graph = drawn.graph
    source = _narrow(graph.input, bits)
    low, high = (_clip(limit, source) for limit in graph.input_limits)
    attempts = _Attempts(drawn)
    with attempts.attempt():
        nodes = [node.narrowed(_narrow(node.output, bits)) for node in graph.compute_nodes]
        attempts.network(nodes, source, (low, high), np.clip(drawn.images, low, high))
    yield from attempts.made


def _narrower_weights(drawn: Drawn, bits: int) -> Iterator[Drawn]:
    low, high = number_range(bits)
    attempts = _Attempts(drawn)
    with attempts.attempt():
        attempts.network(
            node.changed(weights=np.clip(node.weights, low, high), weight_bits=bits)
            if isinstance(node, WeightedNode) and node.weight_bits > bits
            else node
            for node in drawn.graph.compute_nodes
        )
    yield from attempts.made


def _narrow(tensor: Tensor, bits: int) -> Tensor:
    return replace(tensor, bits=min(tensor.bits, bits))


def _clip(value: int, tensor: Tensor) -> int:
    return min(max(value, tensor.low), tensor.high)


def simpler_hardware(drawn: Drawn) -> Iterator[Drawn]:
    """Yield cases on a smaller array, of narrower words and sums, with smaller buffers.

    Parameters that have no size take their defaults. What the hardware would refuse is no
    candidate, unless it refuses the case as it is, too: compiling a bench costs too much.
    """
    refused = _refuses(drawn)
    for candidate in _on_other_hardware(drawn):
        if refused or not _refuses(candidate):
            yield candidate


def _refuses(drawn: Drawn) -> bool:
    try:
        compile_graph(drawn.graph, drawn.hardware, drawn.batch)
    except CompileError as error:
        return error.parameter is not None
    except Exception:
        # A fault of the compiler's own may be what the case shows.
        return False
    return False


def _on_other_hardware(drawn: Drawn) -> Iterator[Drawn]:
    hw = drawn.hardware
    for changes in _hardware_changes(drawn):
        try:
            changed = replace(hw, **changes)
        except ValueError:
            # A depth below what an array drains at once, and the like.
            continue
        if changed != hw:
            yield replace(drawn, hardware=changed, program=None)


def _hardware_changes(drawn: Drawn) -> Iterator[dict[str, Any]]:
    hw = drawn.hardware
    default = Hardware()
    sizes = _sizes(hw)
    defaults = {
        field.name: getattr(default, field.name)
        for field in dataclasses.fields(hw)
        if field.name not in (*_OF_THE_NETWORK, *sizes)
    }
    # Sizes are never raised: the search would go back and forth.
    shrunk = {name: least for name, (_, least) in sizes.items()}
    usual = {
        name: min(getattr(default, name), value)
        for name, (value, _) in sizes.items()
        if getattr(default, name) is not None
    }
    words = {
        name: bits
        for name, bits in (
            ("bits_input", max(_LEAST_BITS, _widest(drawn.graph, weights=False))),
            ("bits_weights", max(_LEAST_BITS, _widest(drawn.graph, weights=True))),
        )
        if bits < getattr(hw, name) and not is_sign(hw.bits_input)
    }
    rows, columns = hw.processing_elements
    arrays = [
        (r, c)
        for r, c in ((1, 1), (2, 2), ((rows + 1) // 2, (columns + 1) // 2))
        if (r, c) < (rows, columns) and r <= rows and c <= columns
    ]
    for array in arrays:
        for more in ({**shrunk, **words}, {**usual, **words}, usual):
            yield {**defaults, **more, "processing_elements": array}
    for more in ({**shrunk, **words}, {**usual, **words}, {}):
        yield {**defaults, **more}
    for array in arrays:
        yield {"processing_elements": array, "drain_width": None}
    for size in steps(rows):
        yield {"processing_elements": (size, columns)}
    for size in steps(columns):
        yield {"processing_elements": (rows, size), "drain_width": None}
    for name, value in defaults.items():
        yield {name: value}
    for name, bits in words.items():
        yield {name: bits}
    for name, (value, least) in sizes.items():
        smaller = [width for width in _AXI_WIDTHS if width < value]
        for size in smaller if name == "axi_width" else steps(value, least):
            yield {name: size}


def _sizes(hw: Hardware) -> dict[str, tuple[int, int]]:
    """By parameter what a hardware has, and the least that is legal."""
    held, biases = hw.pixel_buffer_depth, hw.bias_buffer_depth
    return {
        "bits_sum": (hw.bits_sum, 8),
        "axi_width": (hw.axi_width, _AXI_WIDTHS[0]),
        "ram_weights_depth": (hw.ram_weights_depth, 2),
        # None: what other parameters say.
        "pixel_buffer_depth": (held or hw.pixel_rows * hw.drain, hw.drain),
        "bias_buffer_depth": (biases or hw.bias_rows * hw.drain, hw.drain),
        "max_outstanding": (hw.max_outstanding, 1),
        "max_burst_beats": (hw.max_burst_beats, 1),
    }

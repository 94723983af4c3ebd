# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""An operator that stands in no file of the package: registered, it runs like all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from corewright import golden
from corewright.compiler import CompileError, compile_graph
from corewright.compiler.limits import check_shifted_sums, check_sums
from corewright.compiler.operation import Operation, TensorSlice
from corewright.compiler.room import Context, LayerLowering, lowering_of, lowers
from corewright.compiler.tests.checks import check
from corewright.graph import (
    Add,
    ComputeNode,
    Concat,
    Graph,
    GraphError,
    Pool,
    Requant,
    RequantNode,
    Tensor,
    accumulator_bounds,
    macs,
    operator,
    operators,
    value_bounds,
)
from corewright.graph.arithmetic import Int64Array, requantise
from corewright.graph.node import Bounds, Range, ReadsOne, Shape
from corewright.hardware import Hardware
from corewright.program import Opcode
from corewright.regress.coverage import cover_graph

HARDWARE = Hardware(
    processing_elements=(3, 4), bits_input=5, bits_weights=4, bits_sum=16, axi_width=64
)


@operator("toy_mirror")
@dataclass(frozen=True)
class Mirror(ReadsOne, RequantNode):
    """``factor`` minus ``scale`` times each element, requantised."""

    input: str
    output: Tensor
    factor: int
    scale: int
    requant: Requant

    def __post_init__(self) -> None:
        self.check_common()

    def shape(self, *sources: Tensor) -> Shape:
        return sources[0].shape

    def accumulator_bounds(self, sources: Sequence[Tensor], ranges: Sequence[Range]) -> Bounds:
        low, high = sorted(-self.scale * limit for limit in ranges[0])
        channels = self.output.channels
        return np.full(channels, min(low, 0)), np.full(channels, max(high, 0))

    @property
    def added(self) -> Int64Array:
        return np.full(self.output.channels, self.factor)

    def evaluate(self, sources: Sequence[Int64Array], bound: int) -> Int64Array:
        assert bound >= self.factor
        return requantise(-self.scale * sources[0], self.added, self.requant)


@lowers(Mirror)
class MirrorLowering(LayerLowering[Mirror]):
    """A depthwise convolution of one tap."""

    def check(self, graph: Graph, node: Mirror, hw: Hardware) -> None:
        check_sums(graph, node, hw)
        check_shifted_sums(node.name, value_bounds(graph, node), hw, node.added)

    def layer(
        self, context: Context, node: Mirror, source: TensorSlice, target: TensorSlice
    ) -> Operation:
        size = context.size(node.input)
        return Operation(
            name=node.name,
            kind="depthwise",
            opcode=Opcode.DEPTHWISE,
            source=source,
            target=target,
            size=size,
            out_size=size,
            kernel=(1, 1),
            strides=(1, 1),
            padding=(0, 0),
            weights=np.full((1, 1, node.output.channels), -node.scale, dtype=np.int32),
            bias=node.added,
            requant=node.requant,
            round_first=False,
            macs=0,
            result=TensorSlice.whole(node.output.name, node.output.channels),
        )


@operator("toy_homeless")
@dataclass(frozen=True)
class Homeless(Mirror):
    """An operator that no back end knows; its base's lowering is not its own."""


def tensor(name: str, channels: int = 5, bits: int = 5) -> Tensor:
    return Tensor(name, 4, 3, channels, bits, 0)


def network(kind: type[Mirror] = Mirror) -> Graph:
    """The toy alone, behind a pool, and as an operand of an addition and a concatenation."""
    requant = Requant(0, 1, 3, -16, 15)
    unchanged = Requant.identity(-16, 15)
    mirror = kind("mirror", "x", tensor("y"), 3, 2, requant)
    return Graph(
        "toy",
        tensor("x"),
        (
            mirror,
            Pool("pool", "max", "y", tensor("p"), (3, 3), (1, 1), (1, 1, 1, 1), unchanged),
            kind("second", "p", tensor("q"), -5, 1, unchanged),
            Add("add", ("q", "x"), tensor("s"), 0, 1, Requant(0, 1, 1, -16, 15)),
            kind("third", "s", tensor("r"), 0, 7, requant),
            Concat("join", ("s", "r"), tensor("out", 10)),
        ),
    )


def test_an_operator_from_outside_runs_in_golden_compiler_and_emulator() -> None:
    graph = network()
    rng = np.random.default_rng(5)
    x = golden.random_input(rng, graph, 2)
    expected = np.clip(np.rint((3 - 2 * x) / np.where(3 - 2 * x < 0, 8, 2)), -16, 15)
    assert np.array_equal(golden.run(graph, x)["y"], expected)
    program = compile_graph(graph, HARDWARE, 2)
    check(program, graph, x)
    layers = {layer.node: layer for layer in program.layers}
    # The sum joins the toy that computes its operand, and is written into the concatenation.
    assert layers["second"].addition == "add" and layers["second"].output == "out"
    assert layers["third"].type == "depthwise" and "q" not in program.tensors


def test_its_facts_are_asked_of_it() -> None:
    graph = network()
    node = graph.node("mirror")
    assert isinstance(node, ComputeNode) and macs(node, graph) == 0
    low, high = accumulator_bounds(graph, node)
    assert (low.tolist(), high.tolist()) == ([-30] * 5, [32] * 5)
    assert graph.value_ranges["y"] == (-16, 15)
    assert "operator:Mirror" in cover_graph(graph, 1)
    assert "mirror  Mirror  x" in graph.summary()
    assert node.fitted(tensor("x", 2)).output.shape == (4, 3, 2)


def test_its_networks_are_saved_and_read(tmp_path: Path) -> None:
    graph = network()
    read = Graph.load(graph.save(tmp_path / "toy.cwgraph"))
    assert read.digest() == graph.digest() and read.node("mirror") == graph.node("mirror")


def test_what_the_hardware_cannot_hold_is_refused_by_its_lowering() -> None:
    large = Mirror("large", "x", tensor("y"), 0, 9, Requant(0, 4, 4, -16, 15))
    graph = Graph("large", tensor("x"), (large,))
    with pytest.raises(CompileError, match="layer 'large': sums reach -135") as refused:
        compile_graph(graph, replace(HARDWARE, bits_sum=8), 1)
    assert refused.value.parameter == "bits_sum"


def test_an_operator_without_a_lowering_is_refused_by_name() -> None:
    with pytest.raises(CompileError, match="layer 'mirror': the engine has no operation for Homel"):
        compile_graph(network(Homeless), HARDWARE, 1)


def test_a_name_and_a_lowering_are_registered_once() -> None:
    with pytest.raises(ValueError, match="operator 'toy_mirror' is"):
        operator("toy_mirror")(Homeless)
    with pytest.raises(ValueError, match="has the lowering"):
        lowers(Mirror)(MirrorLowering)
    assert operators()["toy_mirror"] is Mirror
    assert isinstance(lowering_of(network().compute_nodes[0]), MirrorLowering)


def test_its_checks_are_a_nodes() -> None:
    with pytest.raises(GraphError, match="layer 'm': requant saturates to"):
        Mirror("m", "x", tensor("y", bits=3), 0, 1, Requant.identity(-16, 15))

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The benchmark of networks: its bound, and that it fails where a network is slow or wrong."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from corewright.compiler import compile_graph
from corewright.flow import find_system
from corewright.graph import Conv

SCRIPT = Path(__file__).resolve().parents[1] / "networks.py"


@pytest.fixture
def networks() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("benchmark_networks_under_test", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_estimate_of_resnet50_is_within_the_limit_and_above_the_bound(networks: Any):
    system = find_system("resnet50")
    network = networks.measure(system, simulated=False)
    assert 0 < network.excess < network.limit == 0.05
    bounds = {row.name: row.bound for row in network.rows}
    # 112 * 112 pixels in blocks of 21, 64 channels in two groups of 32, 7 * 7 * 3 steps.
    assert bounds["stem"] == 598 * 2 * 147
    assert sum(bound > 0 for bound in bounds.values()) == 53
    assert bounds["logits"] == 0 and "logits" not in {row.name for row in network.counted}
    assert all(row.steps >= row.bound for row in network.rows)


def test_bounds_of_the_parts_of_a_split_layer_add_up(networks: Any):
    system = find_system("resnet50")
    small = replace(system.hardware, max_channels_in=512)
    compiled = compile_graph(system.graph, small, 1)
    assert len(compiled.layers) > len(compile_graph(system.graph, system.hardware, 1).layers)
    bounds: dict[str, int] = {}
    for layer in compiled.layers:
        part = networks.array_bound(system.graph, layer, small, 1)
        bounds[layer.node] = bounds.get(layer.node, 0) + part
    node = system.graph.node("s4b1_expand")
    assert isinstance(node, Conv)
    assert bounds[node.name] == -(-49 // 21) * 2048 // 32 * 512


@pytest.mark.parametrize(("slower", "exact", "status"), [(1.0, 1, 0), (1.1, 1, 1), (1.0, 0, 1)])
def test_a_slow_or_wrong_network_fails(
    slower: float,
    exact: bool,
    status: int,
    networks: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    row = networks.Row("conv", "conv", None, 1000, 1000, 1001, round(1000 * slower))
    dense = networks.Row("dense", "dense", None, 0, 10, 10, 9_000_000)
    result = {"cycles": 9_001_000, "images_per_second_at_clock": 1.0}

    def measure(system: Any) -> Any:
        limit = networks.LIMITS[system.name]
        return networks.Network(system.name, (row, dense), limit, bool(exact), result)

    monkeypatch.setattr(networks, "measure", measure)
    assert networks.main(tmp_path / "result.json") == status
    written = json.loads((tmp_path / "result.json").read_text())["networks"]
    assert [network["name"] for network in written] == ["vgg16", "resnet50", "alexnet"]
    assert written[0]["cycles"] == round(1000 * slower)

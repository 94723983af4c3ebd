# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Models that scripts build: the work of the full size, and a small variant run exactly.

Small variants and trained models are executed in four ways, which have to agree in every tensor.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright import emulator, golden
from corewright.compiler import compile_graph
from corewright.flow import find_system, simulate, systems
from corewright.flow.vectors import random_images
from corewright.graph import Conv, Depthwise, Graph, Pool, macs
from corewright.hardware import Hardware

FOLDER = Path(__file__).resolve().parent
# Parameters of a variant that has every kind of layer of the whole, and runs in a second.
SMALL: dict[str, dict[str, Any]] = {
    "alexnet": {"size": 67, "classes": 10, "width": 12, "dense": 24},
    "autoencoder": {"inputs": 40, "units": (16, 8, 3, 8, 16, 40)},
    "jet": {},
    "mlp": {"inputs": 49, "units": (24, 16, 10)},
    "mobilenet": {
        "size": 20,
        "classes": 10,
        "alpha": 0.25,
        "layers": ((32, 1), (64, 2), (64, 1), (128, 2)),
    },
    "resnet18": {"size": 32, "classes": 10, "width": 6, "blocks": (1, 2)},
    "resnet50": {"size": 32, "classes": 10, "width": 4, "blocks": (2, 1, 1)},
    "skynet": {"height": 16, "width": 24, "channels": (6, 8, 10, 12, 14, 6)},
    "ultranet": {"height": 32, "width": 48, "filters": (4, 6, 8, 8, 10, 8)},
    "unet": {"size": 16, "classes": 3, "widths": (4, 6, 8)},
    "vgg16": {"size": 32, "classes": 10, "width": 4, "dense": 16},
}
TRAINED = ("lenet5", "lenet5_w4a4", "transformer")
# Of convolutions; published counts of the same networks, padding taps included.
MEGA_MACS = {
    "alexnet": 665.784864,
    "mobilenet": 567.716352,
    "resnet18": 1813.561344,
    "resnet50": 4087.136256,
    "ultranet": 199.5264,
    "vgg16": 15346.630656,
}
HARDWARE = Hardware(
    processing_elements=(5, 8),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    max_image_size=512,
    ram_weights_depth=1024,
    pixel_buffer_depth=8192,
)


def builder_of(name: str) -> Callable[..., Graph]:
    spec = importlib.util.spec_from_file_location(f"zoo_{name}", FOLDER / name / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Graph] = module.build
    return function


def test_each_script_has_a_small_variant_and_a_system():
    scripts = {path.stem for path in FOLDER.glob("*/*.py") if path.stem == path.parent.name}
    missing = ", ".join(sorted(scripts - set(SMALL)))
    assert not missing, f"SMALL in test_zoo.py has no {missing}"
    assert scripts == set(SMALL)
    assert scripts <= set(systems()), "python -m corewright.gen.systems"
    for name in scripts:
        assert find_system(name).parameters["model"] == f"{name}.py"
        assert (FOLDER / name / "README.md").is_file()
    for path in FOLDER.glob("*/*"):
        if path.parent.name in scripts and path.is_file():
            assert path.stat().st_size < 100_000, path


@pytest.mark.parametrize("name", sorted(SMALL))
def test_small_variant_is_exact_in_the_emulator(name: str):
    graph = builder_of(name)(**SMALL[name])
    batch = 3 if graph.input.height == 1 else 2
    images = random_images(graph, batch, 5)
    compiled = compile_graph(graph, HARDWARE, batch)
    arena = compiled.make_arena(images, fill=0xA5)
    emulator.run(compiled.program, arena, hardware=HARDWARE, poison_seed=7)
    tensors = golden.run(graph, images)
    for layer in compiled.layers:
        want = compiled.stored(layer.output, tensors)
        assert np.array_equal(compiled.unpack(layer.output, arena), want), layer.name


@pytest.mark.parametrize("name", sorted(SMALL))
def test_small_variant_uses_its_words_and_is_the_same_every_time(name: str):
    build = builder_of(name)
    graph = build(**SMALL[name])
    assert build(**SMALL[name]).digest() == graph.digest()
    assert build(**SMALL[name], seed=2).digest() != graph.digest()
    tensors = golden.run(graph, random_images(graph, 16, 3))
    for node in graph.compute_nodes:
        values = tensors[node.output.name]
        ends = (values == node.output.low) | (values == node.output.high)
        high = node.output.high
        if not isinstance(node, Pool):
            assert np.mean(ends) < (0.1 if node.output.bits > 4 else 0.25), node.name
            assert np.abs(values).max() > high // 4, node.name
        assert np.mean(values != 0) > 0.1, node.name


@pytest.mark.parametrize("name", ["mobilenet", "resnet18", "resnet50", "ultranet"])
def test_full_size_has_the_published_work_and_compiles(name: str):
    system = find_system(name)
    work = sum(macs(node) for node in system.graph.nodes if isinstance(node, Conv | Depthwise))
    assert work == round(MEGA_MACS[name] * 1e6)
    compiled = compile_graph(system.graph, system.hardware, system.batch)
    assert sum(layer.macs for layer in compiled.layers) == sum(
        macs(node) for node in system.graph.nodes
    )


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_full_size_with_large_dense_layers_has_the_published_work(name: str):
    graph = builder_of(name)()
    work = sum(macs(node) for node in graph.nodes if isinstance(node, Conv))
    assert work == round(MEGA_MACS[name] * 1e6)
    assert graph.output.channels == 1000


def test_one_tower_of_alexnet_has_no_groups():
    graph = builder_of("alexnet")(**SMALL["alexnet"], towers=1)
    assert sum(isinstance(node, Conv) for node in graph.nodes) == 5


def four_way_graph(name: str) -> Graph:
    return find_system(name).graph if name in TRAINED else builder_of(name)(**SMALL[name])


def four_way(graph: Graph, images: np.ndarray[Any, Any], layers: dict[str, Any]) -> dict[str, Any]:
    """Simulate two images a run, on one bench for all, which other tests need, too."""
    jet = find_system("jet")
    # Limits of sizes are the compiler's alone.
    hardware = dataclasses.replace(jet.hardware, max_image_size=512)
    return simulate(graph, hardware, images, 2, layers=layers, system=jet, stalls="light")


def keras_integers(graph: Graph, images: np.ndarray[Any, Any], model: Any) -> dict[str, Any]:
    """Every tensor as Keras computes it in float64, as integers."""
    from corewright.frontends import layer_outputs

    outputs = layer_outputs(model, golden.dequantise(graph, graph.input.name, images))
    scaled = {
        name: np.ldexp(outputs[name], tensor.fraction).reshape(-1, *tensor.shape)
        for name, tensor in graph.tensors.items()
    }
    for name, values in scaled.items():
        assert np.array_equal(values, np.rint(values)), name
    return {name: values.astype(np.int64) for name, values in scaled.items()}


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", sorted([*SMALL, *TRAINED]))
def test_keras_integer_graph_emulator_and_rtl_agree_in_every_tensor(name: str):
    from corewright.frontends import to_keras

    graph = four_way_graph(name)
    images = random_images(graph, 3, 11)
    layers = keras_integers(graph, images, to_keras(graph))
    result = four_way(graph, images, layers)
    assert result["framework"]["layers"] == len(graph.tensors)
    assert result["framework"]["images"] == 3
    assert result["framework"]["bit_exact"], result["framework"]["different"]
    assert result["emulator"]["bit_exact"], result["emulator"]
    assert result["passed"], result["first_mismatches"]
    assert result["runs"] == 2


@pytest.mark.tensorflow
def test_a_weight_that_differs_in_keras_only_is_found():
    from corewright.frontends import to_keras

    graph = four_way_graph("unet")
    model = to_keras(graph)
    layer = model.get_layer(model.node_layers["up1a"])
    kernel, bias = layer.get_weights()
    kernel[0, 0, 0, 0] = np.where(kernel[0, 0, 0, 0] > 0, -0.5, 0.5) * np.abs(kernel).max()
    layer.set_weights([kernel, bias])
    images = random_images(graph, 2, 11)
    layers = keras_integers(graph, images, model)
    result = four_way(graph, images, layers)
    assert result["framework"]["different"][0] == "up1a.out"
    assert result["emulator"]["bit_exact"] and result["mismatches"] == 0
    assert not result["passed"]

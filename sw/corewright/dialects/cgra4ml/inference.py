# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""CGRA4ML's functions: export, simulate, predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright import flow
from corewright.flow.bench import run_bench
from corewright.flow.compiled_bench import build_bench
from corewright.flow.vectors import VectorSet
from corewright.frontends import convert
from corewright.frontends import tensorflow as lazy
from corewright.frontends.errors import FrontendError
from corewright.graph import Graph, GraphError, macs
from corewright.hardware import Hardware

# What predict_model_performance reads: it is given the hardware only.
_GRAPH_FILE = "model.cwgraph"


def export_inference(
    model: Any, hw: Hardware, batch_size: int = 1, x: npt.ArrayLike | None = None
) -> Any:
    """Write program, weights, vectors and headers to ``hw.data_dir``, and ``config_fw.h``.

    Args:
        model: a Keras model.
        hw: the accelerator.
        batch_size: images of a run.
        x: real inputs (N, H, W, C) or (N, C); by default ``batch_size`` random ones, uniform in
            [0, 1): CGRA4ML's own where the script has set TensorFlow's seed, always the same
            otherwise.

    Returns:
        The vector set: see :func:`corewright.flow.export_inference`, also for what is raised.

    Raises:
        FrontendError: the model has no integer graph, or more bundles than ``hw.max_n_bundles``.
    """
    # Late: it needs TensorFlow.
    from corewright.dialects.deepsocflow.bundle import bundle_tensors

    graph = convert(model, hw)
    most = getattr(hw, "max_n_bundles", None)
    cores = sum(macs(node, graph) > 0 for node in graph.nodes)
    if most is not None and cores > most:
        raise FrontendError(f"the model has {cores} bundles, legal is max_n_bundles={most}")
    if x is None:
        x = _default_input((batch_size, *model.input_shape[1:]))
    bundles = bundle_tensors(model, graph)
    result = flow.export_inference(
        graph, hw, np.asarray(x), model=model, batch=batch_size, bundles=bundles
    )
    graph.save(Path(hw.data_dir) / _GRAPH_FILE)
    return result


def _default_input(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """What ``tf.random.uniform(shape)`` draws, if TensorFlow's global seed is set."""
    tf, _ = lazy.load()
    # Drawing the operation's seeds is what makes tf.random.uniform another one at each call.
    seeds = tf.compat.v1.get_seed(None)
    if seeds[0] is None:
        drawn = tf.random.stateless_uniform(shape, seed=(0, 0))
    else:
        drawn = tf.raw_ops.RandomUniform(
            shape=shape, dtype=tf.float32, seed=seeds[0], seed2=seeds[1]
        )
    result: npt.NDArray[np.float32] = drawn.numpy()
    return result


def verify_inference(
    model: Any,
    hw: Hardware,
    SIM: str = "verilator",  # noqa: N803 - the reference's name
    SIM_PATH: str = "",  # noqa: N803 - the reference's name
    TRACE: bool = False,  # noqa: N803 - the reference's name
) -> dict[str, Any]:
    """Simulate what :func:`export_inference` wrote and compare every layer.

    The memory stalls as ``hw.valid_prob`` and ``hw.ready_prob`` say; the report has the cycles
    without stalls, too. With ``TRACE`` the waves are written first, to ``waves.fst`` in
    ``hw.data_dir``.

    Returns:
        The report: see :func:`corewright.flow.verify_inference`, also for what is raised.
    """
    graph = convert(model, hw)
    if TRACE:
        _write_waves(hw, SIM_PATH if SIM == "verilator" else "")
    return flow.verify_inference(graph, hw, SIM=SIM, SIM_PATH=SIM_PATH, stalls="hardware")


def _write_waves(hw: Hardware, tool_path: str) -> None:
    folder = Path(hw.data_dir).resolve()
    bench = build_bench(hw, trace=True, tool_path=tool_path)
    stalls = (f"valid_prob={hw.valid_prob}", f"ready_prob={hw.ready_prob}")
    run_bench(bench, VectorSet(folder), waves=folder / "waves.fst", plusargs=stalls)


def predict_model_performance(hw: Hardware) -> dict[str, Any]:
    """The compiler's estimate for what :func:`export_inference` wrote to ``hw.data_dir``.

    Returns:
        ``seconds`` and ``bytes`` (over all memory ports) of a batch, ``batch_size``,
        ``frames_per_second``, ``cycles``, ``macs`` of a batch and ``utilisation``, the share of the
        processing elements' cycles that multiply.

    Raises:
        FileNotFoundError: nothing was exported.
        FrontendError: the files there are damaged.
    """
    folder = Path(hw.data_dir)
    path = folder / _GRAPH_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: call export_inference first")
    try:
        graph = Graph.load(path)
        batch = int(VectorSet(folder).info["batch"])
    except (GraphError, ValueError, KeyError) as error:
        raise FrontendError(f"{folder}: {error}; call export_inference again") from error
    seconds, traffic = flow.predict_performance(graph, hw, batch_size=batch)
    cycles = seconds * hw.frequency_mhz * 1e6
    work = batch * sum(macs(node, graph) for node in graph.nodes)
    return {
        "seconds": seconds,
        "bytes": traffic,
        "batch_size": batch,
        "frames_per_second": batch / seconds,
        "cycles": round(cycles),
        "macs": work,
        "utilisation": work / (cycles * hw.rows * hw.columns),
    }

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""From a graph to the verdict of its simulation, and the report that ``./cw sim`` prints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corewright.facts.tables import Cause
from corewright.flow.bench import MAX_SEED, STALLS, RunResult, run_bench
from corewright.flow.compiled_bench import CompiledBench, build_bench
from corewright.flow.errors import FlowInputError
from corewright.flow.synthesis import GATES_FAMILY, GATES_UNITS, netlist_of, synthesise
from corewright.flow.system import System, resized
from corewright.flow.vectors import IntArray, VectorSet, accuracy, prepare, random_images
from corewright.graph import Graph
from corewright.hardware import Hardware

# The causes of the performance words, in their order; the last word is the total.
CAUSES = tuple(cause.name.lower() for cause in Cause)
# The bench's names of the memory ports.
_PORTS = {
    "weights": ("program",),
    "pixels_in": ("pixels", "residual"),
    "pixels_out": ("output",),
}
# Images of a model that brings none.
_RANDOM_SEED = 1

# Stalls with the probabilities of the hardware's valid_prob and ready_prob.
HARDWARE_STALLS = "hardware"

Progress = Callable[[str], None]
_LOG = logging.getLogger(__name__)


def _silent(_: str) -> None:
    """Say nothing."""


def log_advice(advice: Sequence[str]) -> None:
    """Log what the compiler would raise: a warning a sentence, which goes to standard error."""
    for sentence in advice:
        _LOG.warning("%s", sentence)


def simulate_system(
    system: System,
    *,
    hardware: Hardware | None = None,
    seed: int = 1,
    images: int | None = None,
    batch: int | None = None,
    stalls: str = "none",
    waves: Path | None = None,
    gates: bool = False,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """Build and run a system; what is left out is as the system's core says.

    Args:
        system: the system.
        hardware: other hardware.
        seed: 1 to 2^31 - 1.
        images: images to run, the first of the model's test set.
        batch: images of a run.
        stalls: ``none``, ``light`` or ``heavy``.
        waves: FST file to write.
        gates: simulate the netlist of :func:`corewright.flow.synthesis.synthesise`; the hardware is
            then the system's with 4x4 units, as in its target ``gls``, unless another is given.
        progress: called with what is being done.

    Returns:
        The report: see :func:`simulate`; with the accuracies where labels exist.

    Raises:
        FlowInputError: a value is out of range, or the core names files that cannot be read.
        CompileError: the model does not run on this hardware.
        FlowError: a tool failed.
    """
    hw = system.hardware if hardware is None else hardware
    if gates and hardware is None:
        hw = resized(hw, GATES_UNITS)
    count = system.images if images is None else images
    if batch is None:
        # Fewer images than the system's batch would mostly compute nothing.
        batch = min(system.batch, count)
    reference = system.reference
    if reference is not None and count > len(reference.images):
        raise FlowInputError(f"images is {count}, {system.name} has {len(reference.images)}")
    extra: dict[str, Any] = {"accuracy_float": None, "accuracy_quantised": None}
    if reference is None:
        inputs: IntArray = random_images(system.graph, count, _RANDOM_SEED)
        layers: Mapping[str, IntArray] = {}
    else:
        inputs, layers = reference.images[:count], reference.layers
    result = simulate(
        system.graph,
        hw,
        inputs,
        batch,
        layers=layers,
        # A user's graph has no core: any with this hardware simulates it.
        system=system if system.vlnv else None,
        seed=seed,
        stalls=stalls,
        waves=waves,
        gates=gates,
        progress=progress,
    )
    log_advice(result["advice"])
    if reference is not None and reference.labels is not None:
        progress("measuring accuracy with the integer graph")
        # Accuracies that were noted are those of the weights that were trained.
        metadata = system.graph.metadata if system.weights is None else {}
        extra = {
            "accuracy_float": metadata.get(
                "accuracy_float32_baseline", metadata.get("accuracy_float")
            ),
            "accuracy_framework_quantised": metadata.get("accuracy_float"),
            "accuracy_quantised": accuracy(system.graph, reference.images, reference.labels),
            "accuracy_images": len(reference.labels),
        }
    return {**result, "model": system.name, "graph": system.graph.name, **extra}


def simulate(
    graph: Graph,
    hw: Hardware,
    images: IntArray,
    batch: int,
    *,
    layers: Mapping[str, IntArray] | None = None,
    system: System | None = None,
    seed: int = 1,
    stalls: str = "none",
    waves: Path | None = None,
    overlay: Path | None = None,
    plusargs: tuple[str, ...] = (),
    gates: bool = False,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """Compile a graph, build the bench for its hardware, run both and report.

    Args:
        graph: the network.
        hw: the accelerator.
        images: (N, H, W, C) input integers.
        batch: images of a run.
        layers: by tensor, a training framework's integers for the first images.
        system: the system whose core is built.
        seed: 1 to 2^31 - 1.
        stalls: see :func:`measure`.
        waves: FST file to write.
        overlay: see :func:`corewright.flow.compiled_bench.build_bench`.
        plusargs: further plusargs of the bench.
        gates: simulate the netlist of :func:`corewright.flow.synthesis.synthesise`.
        progress: called with what is being done.

    Returns:
        See :func:`measure`; with ``netlist``, None or its ``family``, ``cells`` and ``yosys``.

    Raises:
        FlowInputError: a value is out of range.
        CompileError: the graph does not run on this hardware.
        FlowError: a tool failed.
    """
    if not 1 <= seed <= MAX_SEED:
        raise FlowInputError(f"seed is {seed}, legal is 1..{MAX_SEED}")
    check_stalls(stalls)
    progress("compiling the graph, computing what to expect")
    vectors = prepare(graph, hw, images, batch, layers=layers)
    netlist, path = None, None
    if gates:
        progress("synthesising (minutes the first time)")
        summary = synthesise(hw, GATES_FAMILY, system=system)
        netlist = {name: summary[name] for name in ("family", "cells", "yosys")}
        path = netlist_of(summary)
    progress("building the simulation (a minute the first time)")
    bench = build_bench(hw, system=system, trace=waves is not None, overlay=overlay, netlist=path)
    progress("simulating")
    result = measure(bench, vectors, seed=seed, stalls=stalls, waves=waves, plusargs=plusargs)
    return {**result, "netlist": netlist}


def check_stalls(stalls: str) -> None:
    """Raise FlowInputError if there are no such stalls."""
    legal = (*STALLS, HARDWARE_STALLS)
    if stalls not in legal:
        raise FlowInputError(f"stalls is {stalls!r}, legal are {', '.join(legal)}")


def measure(
    bench: CompiledBench,
    vectors: VectorSet,
    *,
    seed: int = 1,
    stalls: str = "none",
    waves: Path | None = None,
    plusargs: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Run a compiled bench on a vector set and report.

    With stalls it runs a second time without: cycles are a property of the design only then.

    Args:
        bench: what runs.
        vectors: what it runs.
        seed: 1 to 2^31 - 1.
        stalls: ``none``, ``light``, ``heavy``, or ``hardware``: the probabilities of its
            ``valid_prob`` and ``ready_prob``.
        waves: FST file to write.
        plusargs: further plusargs of the bench.

    Returns:
        See :func:`report`. Where the run with stalls passes and the one without does not, the
        report is of the latter.

    Raises:
        FlowError: the simulation crashed or left no results.
    """
    hw = bench.hardware
    profile, chances = stalls, plusargs
    if stalls == HARDWARE_STALLS:
        profile = "none"
        chances = (f"valid_prob={hw.valid_prob}", f"ready_prob={hw.ready_prob}", *plusargs)
    outcome = run_bench(bench, vectors, seed=seed, stalls=profile, waves=waves, plusargs=chances)
    result = report(hw, vectors, outcome, stalls)
    if stalls == "none" or not result["passed"]:
        return result
    calm = report(hw, vectors, run_bench(bench, vectors, seed=seed, plusargs=plusargs))
    if not calm["passed"]:
        return calm
    for layer, quiet in zip(result["layers"], calm["layers"], strict=True):
        layer["cycles_without_stalls"] = quiet["cycles"]
    return {**result, **_without(calm)}


def stalls_text(result: Mapping[str, Any]) -> str:
    """Return under which stalls a report's cycles were measured, in words."""
    if result["stalls"] != HARDWARE_STALLS:
        return str(result["stalls"])
    return f"valid_prob {result['valid_prob']}, ready_prob {result['ready_prob']}"


def _without(calm: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a report says of a run without stalls; nothing is known where there was none."""
    names = ("cycles", "cycles_per_image", "images_per_second_at_clock", "utilisation")
    return {f"{name}_without_stalls": None if calm is None else calm[name] for name in names}


def report(
    hw: Hardware, vectors: VectorSet, outcome: RunResult, stalls: str | None = None
) -> dict[str, Any]:
    """Return the results of a simulation, JSON-compatible.

    Cycles, bytes and times are those that were measured in it; ``cycles`` of a layer or a stage is
    the sum over all runs, and every image of a run counts, also those that fill up the last one.
    ``cycles`` of the whole are those in which the accelerator was busy: the time that the host
    needs between stages is not in them. ``layers`` are those of all stages, in order.

    ``stalls`` says under which stalls of the memory all of them were measured (``hardware``: its
    ``valid_prob`` and ``ready_prob``, which are None otherwise). What ends in ``_without_stalls``
    was measured in a run without any, or is None: not measured.

    Args:
        hw: the accelerator.
        vectors: what was run.
        outcome: what the run has left.
        stalls: under which it was run; left out: those that the bench was told by name.
    """
    info, result = vectors.info, outcome.result
    stalls = result["stalls"] if stalls is None else stalls
    units = hw.rows * hw.columns
    runs = [run for run in result["runs"] if run["status"] == "OK"]
    simulated = len(runs) * info["batch"]
    # tensors.txt has one line a tensor, in the order in which they are first written.
    right = {
        name: tensor["mismatches"] == 0
        for name, tensor in zip(info["tensors"], result["tensors"], strict=True)
    }
    checked = result["status"] == "OK"
    layers = []
    for index, layer in enumerate(vectors.layers):
        # Zeros where the hardware records fewer layers than the stage has.
        rows = [row for run in runs for row in run["layer_cycles"][index : index + 1]]
        words = [row for row in rows if any(row)]
        cycles = sum(word[len(CAUSES)] for word in words)
        layers.append(
            {
                "name": layer["name"],
                "type": layer["type"],
                "stage": layer["stage"],
                "macs": layer["macs"],
                "cycles": cycles,
                "utilisation": _share(layer["macs"] * simulated, cycles * units),
                "bit_exact": checked and right[layer["output"]],
                "cycles_by_cause": _causes(words),
                "compute_cycles": layer["compute_cycles"] * len(words),
                "cycles_without_stalls": cycles if stalls == "none" else None,
            }
        )
    host = [
        {
            "name": operation["name"],
            "type": operation["type"],
            "stage": operation["stage"],
            "bit_exact": checked and right[operation["output"]],
        }
        for operation in info["host_operations"]
    ]
    stages = [
        {"layers": count, "cycles": sum(run["stages"][index]["cycles"] for run in runs)}
        for index, count in enumerate(info["stages"])
    ]
    total = sum(run["cycles"] for run in runs)
    causes = _causes([word for run in runs for word in run["layer_cycles"]])
    # Fetching the header belongs to no layer.
    outside = total - sum(causes.values())
    causes["control"] += outside
    macs = sum(layer["macs"] for layer in vectors.layers)
    seconds = result["wall_seconds"]
    bytes_moved = {
        name: sum(run["bytes"][port] for run in runs for port in ports)
        for name, ports in _PORTS.items()
    }
    all_words = [word for run in runs for word in run["layer_cycles"]]
    counters_add_up = (
        outside >= 0
        and sum(stage["cycles"] for stage in stages) == total
        and all(sum(word[: len(CAUSES)]) == word[len(CAUSES)] for word in all_words)
    )
    exact = outcome.passed and info["emulator"]["bit_exact"] and info["framework"]["bit_exact"]
    values = {
        "model": info["graph"],
        "hardware": {**hw.to_dict(), "hash": f"{hw.hash:08x}"},
        "seed": result["seed"],
        "stalls": stalls,
        "valid_prob": hw.valid_prob if stalls == HARDWARE_STALLS else None,
        "ready_prob": hw.ready_prob if stalls == HARDWARE_STALLS else None,
        "images": info["images"],
        "batch": info["batch"],
        "runs": len(runs),
        "status": result["status"],
        "passed": exact and counters_add_up,
        "bit_exact": exact,
        "mismatches": result["mismatches"],
        "first_mismatches": outcome.mismatches,
        "emulator": info["emulator"],
        "framework": info["framework"],
        "counters_add_up": counters_add_up,
        "layers": layers,
        "host_operations": host,
        "stages": stages,
        "advice": info["advice"],
        "cycles": total,
        "cycles_per_image": _share(total, simulated, 1),
        "macs_per_image": macs,
        "utilisation": _share(macs * simulated, total * units),
        "images_per_second_at_clock": _share(simulated * hw.frequency_mhz * 1e6, total, 1),
        "cycles_by_cause": causes,
        "dram_bytes": bytes_moved,
        "simulated_cycles": result["simulated_cycles"],
        "simulation_seconds": seconds,
        "simulated_macs_per_second": _share(macs * simulated, seconds, 0),
        "notes": outcome.notes,
        "folder": str(outcome.folder) if outcome.kept else None,
    }
    return {**values, **_without(values if stalls == "none" else None)}


def _causes(words: list[list[int]]) -> dict[str, int]:
    return {cause: sum(word[i] for word in words) for i, cause in enumerate(CAUSES)}


def _share(part: float, whole: float, digits: int = 4) -> float:
    return round(part / whole, digits) if whole else 0.0

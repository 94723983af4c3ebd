# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The script-compatible functions: export a model's files, verify them in simulation."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright import golden
from corewright.announce import announce
from corewright.compiler import compile_graph
from corewright.export import write_configuration
from corewright.flow.compiled_bench import build_bench
from corewright.flow.errors import FlowInputError, MismatchError
from corewright.flow.simulate import check_stalls, log_advice, measure, stalls_text
from corewright.flow.vectors import FILES, IntArray, VectorSet, file_names, prepare
from corewright.frontends import agreement
from corewright.graph import Graph
from corewright.hardware import Hardware

_LOG = logging.getLogger(__name__)
# Where the inputs begin in wbx.bin: behind the program, on this boundary.
_ALIGNMENT = 64
# How the name of a file with a tensor's integers ends.
_EXPECTED = "_y_nhwc_exp.txt"


def export_inference(
    graph: Graph,
    hw: Hardware,
    x: npt.ArrayLike,
    *,
    model: Any = None,
    batch: int | None = None,
    bundles: Sequence[str] = (),
    data_dir: str | os.PathLike[str] | None = None,
    directory: str | os.PathLike[str] = ".",
    allow_deviation: bool = False,
) -> VectorSet:
    """Write all files of one inference.

    In ``data_dir``: a vector set (see :mod:`corewright.flow.vectors`), ``wb.bin`` (the program:
    weights and biases with their descriptors), ``x.bin`` (the packed inputs), ``wbx.bin`` (the
    program, filled up to 64 bytes, then the inputs), ``{layer}_y_nhwc_exp.txt`` (a layer's
    integers, one a line, in (image, h, w, c) order; the name as ``vectors.file_names`` has it),
    ``x_all.bin`` (what layers read) and
    ``y_exp.txt`` (the output's integers; the host's real numbers where the model ends with a
    softmax). In ``directory``: ``config_fw.h``.
    Files of other names in these folders stay; those of a model before go.

    Args:
        graph: the network.
        hw: the accelerator.
        x: (N, H, W, C) or (N, C) real inputs.
        model: the Keras model: its layers are computed for ``x`` in float64 and compared, and its
            ``predict`` is. ``x`` is taken in the precision in which ``predict`` reads it. Behind a
            normalisation that is not exact the deviation is printed.
        batch: images of a run; the model's ``batch_size`` where it has one, or else N.
        bundles: tensors that are written as ``{0, 1, ...}_y_nhwc_exp.txt``, too; the softmax node
            stands for the host's real numbers.
        data_dir: the folder, ``hw.data_dir`` when None.
        directory: where ``config_fw.h`` goes.
        allow_deviation: take a graph that is not exact however far it is from ``predict``.

    Raises:
        CompileError: the graph does not run on this hardware.
        DeviationError: the graph is not exact, and too far from ``predict``.
        FlowInputError: ``model`` is not what the graph was converted from.
        MismatchError: emulator or Keras model differ from the integer graph.
    """
    real = np.asarray(x) if model is None else agreement.as_predict_reads(x)
    images = golden.quantise_input(graph, real)
    if batch is None:
        batch = int(getattr(model, "batch_size", len(images)))
    values = golden.run(graph, images)
    clipped = agreement.clipping(graph, real)
    if clipped.share:
        announce(f"{graph.name}: {clipped.text}")
    layers: Mapping[str, IntArray] = {}
    if model is not None:
        layers = _framework_integers(graph, model, real)
    vectors = prepare(graph, hw, images, batch, layers=layers)
    _check(vectors, "" if model is None else _cause(graph, model, clipped))
    told = (
        [] if model is None else _compare_with_predict(graph, model, real, values, allow_deviation)
    )
    target = Path(hw.data_dir if data_dir is None else data_dir)
    exported = _write(vectors, graph, values, target, bundles)
    top = Path(directory)
    top.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(vectors.folder / "config_fw.h", top / "config_fw.h")
    log_advice(vectors.info["advice"])
    announce(
        f"{graph.name}: {len(images)} images, {len(vectors.layers)} layers: emulator and integer "
        f"graph agree in every element; written to {target}",
        *told,
    )
    return exported


def _framework_integers(graph: Graph, model: Any, x: npt.NDArray[Any]) -> dict[str, IntArray]:
    """What Keras computes in float64, of the tensors that have to be equal."""
    from corewright.frontends import keras_layer_outputs, with_quantised_output

    outputs = with_quantised_output(graph, model, keras_layer_outputs(model, x))
    if graph.output.name not in outputs:
        raise FlowInputError(
            f"model has no layer that makes the graph's output '{graph.output.name}', legal is "
            f"the model that graph '{graph.name}' was converted from"
        )
    inexact = agreement.approximated_tensors(graph)
    layers = _integers(graph, outputs)
    return {name: values for name, values in layers.items() if name not in inexact}


def _compare_with_predict(
    graph: Graph,
    model: Any,
    x: npt.NDArray[Any],
    values: Mapping[str, npt.NDArray[np.int64]],
    allow_deviation: bool,
) -> list[str]:
    """What the comparison with ``model.predict`` says; raises DeviationError."""
    found = agreement.deviation(graph, model, x, values)
    inexact = agreement.describe_approximations(graph)
    if not inexact:
        exact = f"  Keras in float64 agrees in every element of every layer; predict: {found.text}"
        return [exact]
    if not allow_deviation:
        agreement.check_deviation(graph, found)
    return [
        *(f"  {line}" for line in inexact),
        f"  Keras in float64 agrees in every element in front of these; predict: {found.text}",
    ]


def _cause(graph: Graph, model: Any, clipped: agreement.Clipping) -> str:
    """Why Keras may differ: it computes with the very inputs where nothing quantises them."""
    if graph.input.name != model.inputs[0]._keras_history.layer.name:
        return ""
    if not clipped.share and not clipped.off_grid:
        return ""
    return (
        f"; the model reads inputs that the graph's words do not hold: {clipped.text}, "
        f"{clipped.off_grid:.2%} are rounded; scale them, or put a QActivation in front"
    )


def export_model(
    graph: Graph,
    hw: Hardware,
    images: IntArray,
    batch: int,
    out: Path,
    *,
    layers: Mapping[str, IntArray] | None = None,
) -> list[Path]:
    """Write the files of :func:`corewright.export.write_configuration` and of one inference.

    The latter are those of :func:`export_inference`; all go into one folder.
    Vectors go to ``out/vectors``. What the compiler would raise is logged, and stands in their
    ``info.json`` as ``advice``.

    Returns:
        All files, sorted.

    Raises:
        CompileError: the graph does not run on this hardware.
        MismatchError: the emulator differs from the integer graph.
        OSError: the folder cannot be written.
    """
    vectors = export_vectors(graph, hw, images, batch, out / "vectors", layers=layers)
    write_configuration(hw, out)
    shutil.copyfile(vectors.folder / "config_fw.h", out / "config_fw.h")
    return files_below(out)


def files_below(folder: Path) -> list[Path]:
    """Return all files in a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def export_vectors(
    graph: Graph,
    hw: Hardware,
    images: IntArray,
    batch: int,
    out: Path,
    *,
    layers: Mapping[str, IntArray] | None = None,
) -> VectorSet:
    """Write the files of one inference to ``out``; see :func:`export_model`, also for errors."""
    vectors = prepare(graph, hw, images, batch, layers=layers)
    _check(vectors)
    exported = _write(vectors, graph, golden.run(graph, images), out)
    log_advice(vectors.info["advice"])
    return exported


def verify_inference(
    graph: Graph,
    hw: Hardware,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    SIM: str = "verilator",  # noqa: N803 - the reference's name
    SIM_PATH: str = "",  # noqa: N803 - the reference's name
    seed: int = 1,
    stalls: str = "none",
) -> dict[str, Any]:
    """Simulate what :func:`export_inference` wrote for ``graph``: see :func:`simulate_exported`.

    Raises:
        FlowInputError: nothing was exported for this graph and hardware; no such simulator.
        FlowError: a tool failed.
        MismatchError: a tensor differs, or the accelerator reported an error.
    """
    vectors = _exported(hw, data_dir)
    if vectors.info["digest"] != graph.digest():
        raise FlowInputError(f"{vectors.folder} is of another model: call export_inference again")
    return simulate_exported(
        hw, data_dir=data_dir, SIM=SIM, SIM_PATH=SIM_PATH, seed=seed, stalls=stalls
    )


def simulate_exported(
    hw: Hardware,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    SIM: str = "verilator",  # noqa: N803 - the reference's name
    SIM_PATH: str = "",  # noqa: N803 - the reference's name
    seed: int = 1,
    stalls: str = "none",
) -> dict[str, Any]:
    """Simulate what :func:`export_inference` wrote; every layer's tensor is compared in memory.

    What was found is printed on standard output, a line a layer, as the reference does.

    Args:
        hw: the accelerator.
        data_dir: where the files are, ``hw.data_dir`` when None.
        SIM: the simulator, ``verilator``. ``xsim`` is what scripts name on a machine with Vivado;
            the bench does not run there, so Verilator runs it, and a warning says so.
        SIM_PATH: folder of the simulator, if it is not in ``PATH``.
        seed: 1 to 2^31 - 1.
        stalls: of the memory: ``none``, ``light``, ``heavy``, or ``hardware``: as
            ``hw.valid_prob`` and ``hw.ready_prob`` say, which is what ``verify_inference`` of the
            dialects' models simulates.

    Returns:
        The report, see :func:`corewright.flow.simulate.measure`.

    Raises:
        FlowInputError: nothing was exported for this hardware, or it is damaged; no such
            simulator or stalls.
        FlowError: a tool failed.
        MismatchError: a tensor differs, or the accelerator reported an error.
    """
    if SIM not in ("verilator", "xsim"):
        raise FlowInputError(f"SIM is {SIM!r}, legal are 'verilator' and 'xsim'")
    check_stalls(stalls)
    vectors = _exported(hw, data_dir)
    if SIM == "xsim":
        _LOG.warning("SIM='xsim' does not run this bench: Verilator simulates instead")
        SIM_PATH = ""  # noqa: N806 - the reference's name
    result = measure(build_bench(hw, tool_path=SIM_PATH), vectors, seed=seed, stalls=stalls)
    if not result["passed"]:
        raise MismatchError(describe(result), result)
    announce(*_summary(result))
    return result


def _summary(result: Mapping[str, Any]) -> list[str]:
    """What a simulation that passed has shown, a line a layer."""
    stalled = result["stalls"] != "none"
    lines = []
    for layer in result["layers"]:
        under = f", {layer['cycles']} under the simulated stalls" if stalled else ""
        lines.append(
            f"  {layer['name']}: bit exact, {layer['cycles_without_stalls']} cycles without "
            f"stalls{under}"
        )
    hw = result["hardware"]
    rows, columns = hw["processing_elements"]
    cycles = result["cycles_without_stalls"]
    seconds = cycles / (hw["frequency_mhz"] * 1e6)
    lines.append(
        f"{result['model']} on {rows}x{columns}: {result['images']} images bit exact; "
        f"{cycles} cycles without stalls ({1e3 * seconds:.3f} ms at {hw['frequency_mhz']} MHz, "
        f"{result['utilisation_without_stalls']:.1%} of the multipliers' time), seed "
        f"{result['seed']}"
    )
    if stalled:
        lines.append(
            f"  {result['cycles']} cycles under the simulated stalls ({stalls_text(result)}), "
            f"{result['cycles'] / max(cycles, 1):.1f} times as many"
        )
    return lines


def _exported(hw: Hardware, data_dir: str | os.PathLike[str] | None) -> VectorSet:
    folder = Path(hw.data_dir if data_dir is None else data_dir).resolve()
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise FlowInputError(f"{folder}: {missing[0]} is missing: call export_inference first")
    try:
        exported = Hardware.from_json(folder / "hardware.json")
    except ValueError as error:
        raise FlowInputError(f"{error}: call export_inference again") from error
    if exported.hash != hw.hash:
        raise FlowInputError(f"{folder} is of another hardware: call export_inference again")
    vectors = VectorSet(folder)
    vectors.check()
    return vectors


def _integers(
    graph: Graph, outputs: Mapping[str, npt.NDArray[np.float64]]
) -> dict[str, npt.NDArray[np.int64]]:
    """Real layer outputs as integers of the graph's tensors; what is none equals no integer."""
    result = {}
    for name, tensor in graph.tensors.items():
        if name not in outputs:
            # Between two nodes that are one layer of the model.
            continue
        scaled = np.ldexp(outputs[name].reshape(-1, *tensor.shape), tensor.fraction)
        integers = np.rint(scaled)
        wrong = np.iinfo(np.int64).min
        result[name] = np.where(integers == scaled, integers, wrong).astype(np.int64)
    return result


def predict_performance(graph: Graph, hw: Hardware, *, batch_size: int) -> tuple[float, int]:
    """Return (seconds, bytes) of one batch: the compiler's estimate at ``hw.frequency_mhz``.

    Bytes are those that cross the three memory ports.

    Raises:
        CompileError: the graph does not run on this hardware.
    """
    estimate = compile_graph(graph, hw, batch_size).report
    seconds = estimate["estimated_cycles"] / (hw.frequency_mhz * 1e6)
    return seconds, sum(estimate["dram_bytes"].values())


def describe(result: Mapping[str, Any]) -> str:
    """Return what went wrong in a report, a few lines."""
    lines = []
    if result["status"] != "OK":
        lines.append(f"the accelerator ended with {result['status']}")
        lines += result["notes"][:12]
    if not result["emulator"]["bit_exact"]:
        lines.append(f"emulator differs from the integer graph: {result['emulator']['error']}")
    if not result["framework"]["bit_exact"]:
        different = ", ".join(result["framework"]["different"])
        lines.append(f"training framework differs from the integer graph in: {different}")
    if result["mismatches"]:
        lines.append(f"{result['mismatches']} elements differ from the integer graph; the first:")
        if result["status"] == "OK":
            # Bytes that belong to no element: the bench says where.
            stray = [note for note in result["notes"] if note.startswith(("STRAY", "PADDING"))]
            lines += (f"  {note}" for note in stray[:5])
    for wrong in result["first_mismatches"][:5]:
        lines.append(
            f"  layer {wrong['layer']} image {wrong['image']} h {wrong['h']} w {wrong['w']} "
            f"c {wrong['c']}: expected {wrong['expected']}, got {wrong['got']}"
        )
    if not result["counters_add_up"]:
        lines.append("the performance counters do not add up to the cycles of the run")
    if not lines and not result["passed"]:
        lines = ["the simulation failed", *result["notes"][:12]]
    if result["folder"]:
        lines.append(f"log: {result['folder']}/run.log")
    return "\n".join(lines)


def _check(vectors: VectorSet, cause: str = "") -> None:
    """Raise MismatchError where something differs; ``cause`` is why Keras may."""
    emulator, framework = vectors.info["emulator"], vectors.info["framework"]
    if not emulator["bit_exact"]:
        text = f"emulator differs from the integer graph: {emulator['error']}"
        raise MismatchError(text, dict(vectors.info))
    if not framework["bit_exact"]:
        different = ", ".join(framework["different"])
        text = f"Keras differs from the integer graph in: {different}{cause}"
        raise MismatchError(text, dict(vectors.info))


def _write(
    vectors: VectorSet,
    graph: Graph,
    values: Mapping[str, npt.NDArray[np.int64]],
    target: Path,
    bundles: Sequence[str] = (),
) -> VectorSet:
    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(vectors.folder / name, target / name)
    program = (vectors.folder / "program.bin").read_bytes()
    inputs = (vectors.folder / "inputs.bin").read_bytes()
    (target / "wb.bin").write_bytes(program)
    (target / "x.bin").write_bytes(inputs)
    padding = bytes(-len(program) % _ALIGNMENT)
    (target / "wbx.bin").write_bytes(program + padding + inputs)
    for old in target.glob(f"*{_EXPECTED}"):
        # Of another model, which may have had more layers.
        old.unlink()
    # Bundles' files have their numbers.
    numbers = [str(index) for index in range(len(bundles))]
    short = file_names([node.name for node in graph.nodes], numbers)
    for node in graph.compute_nodes:
        text = _lines(values[node.output.name])
        (target / f"{short[node.name]}{_EXPECTED}").write_text(text, encoding="utf-8")
    result = _lines(values[graph.output.name])
    if graph.softmax is not None:
        probabilities = golden.host_output(graph, dict(values))
        result = "".join(f"{y:.9g}\n" for y in probabilities.ravel())
    for index, name in enumerate(bundles):
        last = graph.softmax is not None and name == graph.softmax.name
        text = result if last else _lines(values[name])
        (target / f"{index}{_EXPECTED}").write_text(text, encoding="utf-8")
    (target / "y_exp.txt").write_text(result, encoding="utf-8")
    return VectorSet(target.resolve())


def _lines(values: npt.NDArray[np.int64]) -> str:
    return "".join(f"{y}\n" for y in values.ravel().tolist())

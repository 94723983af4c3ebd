# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The commands ``sim``, ``export`` and ``bench``; and the table of all."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corewright.cli.console import output, status, write_json
from corewright.cli.coverage import coverage
from corewright.cli.nightly import nightly
from corewright.cli.regress import regress
from corewright.environment import command_line, provenance, repository_root
from corewright.files import check_writable, writing
from corewright.flow import describe, export_model, simulate_system
from corewright.flow.boards import DEFAULT_BOARD, board_of, export_for_board, export_ip
from corewright.flow.cache import build_folder, building
from corewright.flow.errors import FlowInputError
from corewright.flow.own_models import system_for
from corewright.flow.system import System, hardware_of
from corewright.flow.vectors import IntArray, random_images
from corewright.hardware import Hardware


def _hardware(path: Path | None) -> Hardware | None:
    return None if path is None else hardware_of(str(path.resolve()), Path())


# ------------------------------------------------------------------------------------------- sim


def _system(arguments: argparse.Namespace) -> System:
    weights = arguments.weights
    system = system_for(arguments.model, _hardware(arguments.hardware))
    if system.vlnv:
        # Late: schemas take as long to import as the rest of a command does to start.
        from corewright.gen.systems import check_core

        check_core(system.core_file)
    return replace(system, weights=weights and weights.resolve())


def _sim(arguments: argparse.Namespace) -> int:
    system = _system(arguments)
    waves = None
    if arguments.trace:
        waves = build_folder() / "waves" / f"{system.name}-seed{arguments.seed}.fst"
        with building(waves.parent):
            waves.parent.mkdir(parents=True, exist_ok=True)
    with status() as progress:
        result = simulate_system(
            system,
            hardware=_hardware(arguments.hardware),
            seed=arguments.seed,
            images=arguments.images,
            batch=arguments.batch,
            stalls=arguments.stalls,
            waves=waves,
            gates=arguments.gates,
            progress=progress,
        )
    command = reproduce(arguments, result)
    result |= {"command": command, "provenance": provenance()}
    console = output()
    _print_sim(console, result)
    # Behind what needs no disk.
    write_json(arguments.json, result)
    if waves is not None:
        view = repository_root() / "core/accelerator/dv/accelerator.gtkw"
        saved = f" {view}" if view.is_file() else ""
        console.print(f"waves: gtkwave {waves}{saved}", soft_wrap=True, highlight=False)
    if result["passed"]:
        return 0
    console.print(f"[bold red]FAILED[/]\n{escape(describe(result))}", soft_wrap=True)
    console.print(f"reproduce: {command}", soft_wrap=True, highlight=False)
    return 1


def reproduce(arguments: argparse.Namespace, result: dict[str, Any]) -> str:
    """Return the command that repeats a simulation, with nothing left to defaults."""
    words = [command_line(), "sim", arguments.model]
    if arguments.hardware is not None:
        words += ["--hardware", str(arguments.hardware)]
    if arguments.weights is not None:
        words += ["--weights", str(arguments.weights)]
    if result["netlist"] is not None:
        words.append("--gates")
    words += ["--seed", str(result["seed"]), "--stalls", result["stalls"]]
    words += ["--images", str(result["images"]), "--batch", str(result["batch"])]
    return shlex.join(words)


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.2f} %"


def _exact(value: bool) -> str:
    return "[green]yes[/]" if value else "[bold red]NO[/]"


def _print_sim(console: Console, result: dict[str, Any]) -> None:
    hw = result["hardware"]
    rows, columns = hw["processing_elements"]
    console.print(
        f"[bold]{result['model']}[/] on {rows}x{columns} units, {hw['bits_input']}-bit pixels x "
        f"{hw['bits_weights']}-bit weights, AXI {hw['axi_width']} bits: {result['images']} images "
        f"in batches of {result['batch']}, stalls {result['stalls']}, seed {result['seed']}",
        highlight=False,
    )
    if result["netlist"] is not None:
        netlist = result["netlist"]
        console.print(
            f"gate level: {sum(netlist['cells'].values()):,} cells of {netlist['family']}, Yosys "
            f"{netlist['yosys']}",
            highlight=False,
        )
    layers = Table("layer", "type", box=None, pad_edge=False, header_style="bold")
    for heading in ("MACs/image", "cycles", "utilisation", "bit exact"):
        layers.add_column(heading, justify="right")
    for layer in result["layers"]:
        layers.add_row(
            escape(layer["name"]),
            layer["type"],
            f"{layer['macs']:,}",
            f"{layer['cycles']:,}",
            _percent(layer["utilisation"]) if layer["macs"] else "-",
            _exact(layer["bit_exact"]),
        )
    console.print(layers)

    facts = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    framework = result["framework"]
    compared = (
        f"{_exact(framework['bit_exact'])} ({framework['layers']} tensors, "
        f"{framework['images']} images)"
        if framework["layers"]
        else "no reference"
    )
    if "accuracy_images" in result:
        facts.add_row(
            "accuracy, float network", _percent(result["accuracy_float"]), "noted when trained"
        )
        facts.add_row(
            "accuracy, quantised network",
            _percent(result["accuracy_quantised"]),
            f"measured: integer graph, {result['accuracy_images']} test images",
        )
    facts.add_row("training framework = integer graph", compared, "measured: every layer")
    facts.add_row(
        "emulated program = integer graph", _exact(result["emulator"]["bit_exact"]), "measured"
    )
    facts.add_row(
        "RTL = integer graph",
        f"{_exact(result['bit_exact'])} ({result['mismatches']} differences)",
        f"measured: every layer's tensor in memory, {result['images']} images",
    )
    stalls = result["stalls"]
    under = f"measured in RTL, stalls {stalls}"
    facts.add_row("cycles an image", f"{result['cycles_per_image']:,}", under)
    facts.add_row("MAC utilisation", _percent(result["utilisation"]), under)
    facts.add_row(
        "images a second",
        f"{result['images_per_second_at_clock']:,.0f}",
        f"measured cycles at the intended {hw['frequency_mhz']} MHz, stalls {stalls}",
    )
    if stalls != "none" and result["cycles_without_stalls"] is not None:
        facts.add_row(
            "cycles an image without stalls",
            f"{result['cycles_per_image_without_stalls']:,}",
            "measured in RTL, a second run",
        )
        facts.add_row(
            "images a second without stalls",
            f"{result['images_per_second_at_clock_without_stalls']:,.0f}",
            f"measured cycles at the intended {hw['frequency_mhz']} MHz, a second run",
        )
    total = max(result["cycles"], 1)
    causes = ", ".join(
        f"{cause} {100 * cycles / total:.1f} %"
        for cause, cycles in result["cycles_by_cause"].items()
        if cycles
    )
    facts.add_row("where the cycles went", f"{result['cycles']:,}", f"measured: {causes}")
    moved = result["dram_bytes"]
    facts.add_row(
        "DRAM bytes",
        f"{sum(moved.values()):,}",
        "measured: " + ", ".join(f"{name} {count:,}" for name, count in moved.items()),
    )
    facts.add_row(
        "simulated MACs a second",
        f"{result['simulated_macs_per_second']:,.0f}",
        f"measured: {result['simulated_cycles']:,} cycles in {result['simulation_seconds']} s",
    )
    console.print(facts, highlight=False)


# ---------------------------------------------------------------------------------------- export


def _export(arguments: argparse.Namespace) -> int:
    if arguments.clock is not None and arguments.board is None and not arguments.ip:
        raise FlowInputError("--clock is a board's, legal is --board BOARD with it")
    if arguments.ip:
        return _export_ip(arguments)
    if arguments.model is None:
        raise FlowInputError("MODEL is missing; without it legal is --ip with --hardware FILE")
    if arguments.board is not None:
        # Before the work.
        board_of(arguments.board)
    system = _system(arguments)
    hw = _hardware(arguments.hardware) or system.hardware
    reference = system.reference
    count = arguments.images or system.images
    if reference is not None and count > len(reference.images):
        raise FlowInputError(f"images is {count}, {system.name} has {len(reference.images)}")
    images: IntArray = random_images(system.graph, count, 1)
    layers = None
    if reference is not None:
        images, layers = reference.images[:count], reference.layers
    batch = arguments.batch or min(system.batch, count)
    check_writable(arguments.out, "--out DIR")
    with status() as progress:
        progress("compiling")
        with writing(arguments.out, "--out DIR"):
            if arguments.board is None:
                written = export_model(
                    system.graph, hw, images, batch, arguments.out, layers=layers
                )
            else:
                written = export_for_board(
                    system.graph,
                    hw,
                    images,
                    batch,
                    arguments.out,
                    arguments.board,
                    layers=layers,
                    clock_mhz=arguments.clock or system.clock_mhz(arguments.board),
                    providers=system.providers,
                    oversize=system.oversize(arguments.board),
                )
    summary = {"model": system.name, "images": count, "batch": batch, "board": arguments.board}
    return _report_export(arguments, hw, written, summary)


def _export_ip(arguments: argparse.Namespace) -> int:
    for name in ("images", "batch", "weights"):
        if getattr(arguments, name) is not None:
            raise FlowInputError(f"--{name} belongs to a model's files, of which --ip writes none")
    hw = _hardware(arguments.hardware)
    board = arguments.board or DEFAULT_BOARD
    board_of(board)
    clock, providers, name = arguments.clock, list[str](), ""
    if arguments.model is not None:
        system = system_for(arguments.model, hw)
        hw, name, providers = hw or system.hardware, system.name, system.providers
        clock = clock or system.clock_mhz(board)
    if hw is None:
        raise FlowInputError("the hardware is missing, legal with --ip is MODEL or --hardware FILE")
    check_writable(arguments.out, "--out DIR")
    with writing(arguments.out, "--out DIR"):
        written = export_ip(hw, arguments.out, board, clock_mhz=clock, providers=providers)
    return _report_export(arguments, hw, written, {"model": name or None, "board": board})


def _report_export(
    arguments: argparse.Namespace, hw: Hardware, written: list[Path], summary: dict[str, Any]
) -> int:
    files = [str(path.relative_to(arguments.out)) for path in written]
    console = output()
    for file in files:
        console.print(str(arguments.out / file), soft_wrap=True, highlight=False, markup=False)
    report = {
        **summary,
        "hardware": {**hw.to_dict(), "hash": f"{hw.hash:08x}"},
        "folder": str(arguments.out),
        "files": files,
        "provenance": provenance(),
    }
    write_json(arguments.json, report)
    return 0


# ----------------------------------------------------------------------------------------- bench


def benchmarks() -> dict[str, Path]:
    """Return the benchmarks: modules of ``regressions/benchmarks`` with a ``main``."""
    folder = repository_root() / "regressions" / "benchmarks"
    return {
        path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")
    }


def _benchmark(arguments: argparse.Namespace) -> int:
    known = benchmarks()
    if arguments.name is None:
        console = output()
        for name in known:
            console.print(name, highlight=False, markup=False)
        write_json(arguments.json, {"benchmarks": list(known)})
        return 0
    if arguments.name not in known:
        legal = ", ".join(known) or "none exist"
        raise FlowInputError(f"there is no benchmark '{arguments.name}', legal are: {legal}")
    path = known[arguments.name]
    spec = importlib.util.spec_from_file_location(f"corewright_benchmark_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise FlowInputError(f"{path.name}: cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    options = {"models": arguments.models, "write": arguments.write}
    chosen = {name: value for name, value in options.items() if value}
    if unknown := sorted(set(chosen) - set(inspect.signature(module.main).parameters)):
        raise FlowInputError(f"benchmark '{path.stem}' has no option {', '.join(unknown)}")
    return int(module.main(arguments.json, **chosen) or 0)


def _mutate(arguments: argparse.Namespace) -> int:
    # The others need not load what it takes.
    from corewright.cli.mutate import mutate

    return mutate(arguments)


def _synth(arguments: argparse.Namespace) -> int:
    from corewright.cli.synth import synth

    return synth(arguments)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "sim": _sim,
    "export": _export,
    "bench": _benchmark,
    "regress": regress,
    "nightly": nightly,
    "coverage": coverage,
    "mutate": _mutate,
    "synth": _synth,
}

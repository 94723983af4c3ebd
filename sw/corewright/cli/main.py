# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Arguments, exit status and errors; what commands need is imported when they run.

Exit status: 0 success, 1 a mismatch or a failed check or tool, 2 bad usage or bad input, also an
output that cannot be written; 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from corewright.environment import command_line, repository_root

_MODEL = (
    "a name, or a path: .core, .cwgraph, .py with build(), a saved Keras model; what names no "
    "hardware runs on lenet5's unless --hardware does"
)
_MOST_HOURS = 24 * 7
# Commands whose arguments belong to another program.
_PASSED_ON = ("fusesoc", "shell", "test")


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 1")
    return value


def _seconds_or_none(text: str) -> int:
    return 0 if text.strip() == "0" else _positive(text)


def _frequency(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 0")
    return int(text)


def _hours(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= _MOST_HOURS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 to {_MOST_HOURS}")
    return value


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results here")


def _add_hardware(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hardware",
        metavar="FILE",
        type=Path,
        help="JSON file of hardware parameters instead of the model's own, or of a report (--json)",
    )


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        metavar="FILE",
        type=Path,
        help="your own weights: a Keras file (.h5, .weights.h5, .keras) of "
        "corewright.to_keras(graph), or an .npz of integers for a model that a script builds",
    )


def _add_regress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suite",
        nargs="?",
        metavar="SUITE",
        help="a file of regressions/suites without .toml, or the path of your own. graphs: random "
        "hardware and networks, the emulated program against the integer graph, every tensor; "
        "system: random networks on the RTL with the firmware in Verilator, under random stalls, "
        "every tensor in memory; others: regressions/README.md",
    )
    parser.add_argument("--cases", type=_positive, metavar="N", help="default: the suite's")
    parser.add_argument(
        "--seed", type=_positive, metavar="S", help="of all cases; left out: a new one, reported"
    )
    parser.add_argument(
        "--jobs", type=_positive, metavar="J", help="processes; left out: one on each core"
    )
    parser.add_argument(
        "--coverage",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="count what the cases cover of the RTL: lines, branches, bits; with FOLDER what other "
        "runs have added there counts as well",
    )
    parser.add_argument(
        "--simulator",
        choices=("verilator", "xsim"),
        help="of suites of systems, in the place of the suite's own; xsim: Vivado's",
    )
    parser.add_argument(
        "--benches",
        action="store_true",
        help="with --coverage: first run the tests of ip and core, which count as well; exit "
        "status 1 also if they fail or if lines, branches or bits are short of what is wanted",
    )
    parser.add_argument(
        "--replay",
        metavar="ID|FILE",
        help="run one case alone, such as graphs-7-123, or what --shrink has written",
    )
    parser.add_argument(
        "--waves",
        metavar="FILE",
        type=Path,
        help="with --replay of a simulation: write the waves (FST) around what went wrong",
    )
    parser.add_argument(
        "--shrink",
        metavar="ID|FILE",
        help="make a failing case small: fewer layers, smaller tensors, simpler options and "
        "hardware, with the same failure; writes it and prints the command that runs it",
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="of --shrink (default build/shrunk/ID.json)"
    )
    parser.add_argument(
        "--budget",
        type=_positive,
        metavar="SECONDS",
        default=600,
        help="after which --shrink takes what it has (default 600)",
    )
    parser.add_argument(
        "--builds",
        type=_natural,
        metavar="N",
        default=8,
        help="hardware that --shrink compiles at most (default 8); 0: keeps the hardware",
    )
    parser.add_argument(
        "--timeout",
        type=_positive,
        metavar="SECONDS",
        default=300,
        help="of processor time (a case that gets little of it: of the clock four times as many) "
        "after which a case is killed and counts as an error (default 300)",
    )
    parser.add_argument(
        "--farm",
        metavar="ADDRESS|local:N|slurm[:N]",
        help="run cases on the workers of a Dask scheduler (tcp://HOST:PORT), on N worker "
        "processes of this machine, or on N jobs of Slurm; a case whose worker dies runs again",
    )
    parser.add_argument(
        "--patience",
        type=_positive,
        metavar="SECONDS",
        default=600,
        help="with --farm: without any worker for so long, the open cases are errors (default 600)",
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        help="keep all results here: an SQLAlchemy URL, or a path of a SQLite file (default "
        "results.sqlite in regress of the build folder); none: keep nothing",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="with --seed: run what the database lacks of that run, which was interrupted or "
        "killed, and report all of it; sources and suite have to be the same",
    )
    parser.add_argument(
        "--history", action="store_true", help="run nothing: list the runs in the database"
    )
    _add_json(parser)
    parser.add_argument("--html", metavar="FILE", type=Path, help="also write a report here")
    parser.add_argument("--junit", metavar="FILE", type=Path, help="also write JUnit XML here")
    parser.epilog = (
        "Exit status 1 if a case failed (a difference) or ended with an error (a crash, a "
        "time-out, an exception), 130 after Ctrl-C: what has run until then is reported and "
        "written, not_run of the JSON counts the rest. coverage.functional of the JSON is the "
        "share of operators, options, sizes and mappings that occurred at least once; "
        "coverage.line, .branch and .toggle are shares of the RTL's, null without --coverage."
    )


def _add_coverage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "blocks", nargs="*", metavar="BLOCK", help="such as ip/axis_fifo; left out: all"
    )
    parser.add_argument(
        "--from",
        dest="folders",
        action="append",
        metavar="FOLDER",
        type=Path,
        help=f"what `COREWRIGHT_COVERAGE=FOLDER {command_line()} test ...` or `regress --coverage "
        "FOLDER` has filled; may be repeated",
    )
    parser.add_argument("--holes", action="store_true", help="list all holes, not only the first")
    parser.add_argument(
        "--goals",
        action="store_true",
        help="exit status 1 if lines, branches or bits are short of what is wanted",
    )
    _add_json(parser)
    parser.add_argument("--html", metavar="FILE", type=Path, help="also write a report here")
    parser.epilog = (
        "Counted are core/*/rtl and ip/*/rtl without what is for simulation only. A line or branch "
        "is covered if any parameterisation of it was, a bit if instances saw it rise and fall. "
        "dv/coverage.toml of a block excludes points, each with a reason."
    )


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return value


def _add_mutate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "blocks",
        nargs="*",
        metavar="BLOCK",
        help="a folder of core/ or ip/ with a dv/bench.toml, or a source of it; left out: all",
    )
    parser.add_argument(
        "--count",
        type=_positive,
        metavar="N",
        help="mutants of each block, drawn by the seed (default 30)",
    )
    parser.add_argument("--all", action="store_true", help="all mutants, however many there are")
    parser.add_argument(
        "--seed",
        type=_positive,
        metavar="S",
        help="of the sample and of the benches; left out: a new one, reported",
    )
    parser.add_argument(
        "--cases",
        type=_positive,
        metavar="N",
        help="seeds of each bench's configurations, or random networks (default 4)",
    )
    parser.add_argument(
        "--seconds-a-mutant",
        type=_positive,
        metavar="SECONDS",
        default=60,
        help="processor time of a mutant's runs, at most (default 60)",
    )
    parser.add_argument("--replay", metavar="ID", help="judge one mutant of a report again")
    parser.add_argument(
        "--at-least",
        type=_percent,
        metavar="PERCENT",
        help="exit status 1 if a block's score is lower",
    )
    parser.add_argument(
        "--at-least-overall",
        type=_percent,
        metavar="PERCENT",
        help="exit status 1 if the score of all blocks together is lower",
    )
    parser.add_argument(
        "--equivalence",
        type=_seconds_or_none,
        metavar="SECONDS",
        default=60,
        help="processor time of a solver on each survivor, at most; 0: none (default 60)",
    )
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="J",
        help="blocks that are judged side by side (default: the cores)",
    )
    _add_json(parser)
    parser.add_argument("--html", metavar="FILE", type=Path, help="also write a report here")
    parser.epilog = (
        "A mutant is killed when a check fails that passes on the sound sources. Exit status 1 if "
        "a block could not be judged or, with --at-least, has a lower score; 130 after Ctrl-C: "
        "what is judged until then is reported and written."
    )


def _add_synth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "system",
        nargs="?",
        metavar="SYSTEM",
        help="a model, as for sim, or FuseSoC's name of a block with a target synth, such as "
        "corewright:core:postproc (default lenet5)",
    )
    parser.add_argument(
        "--family",
        choices=("xc7", "xcup", "ecp5", "asic"),
        help="xc7: AMD's series 7; xcup: UltraScale+; ecp5: Lattice's ECP5; asic: standard cells "
        "of Debian's qflow-tech-osu018, timed by OpenSTA before layout (default xc7)",
    )
    _add_hardware(parser)
    parser.add_argument(
        "--route",
        action="store_true",
        help="place and route for ECP5 (LFE5U-85F-6) by nextpnr as well: 8x8 units of the system's "
        "hardware, or those of --hardware",
    )
    parser.add_argument(
        "--seeds", type=_positive, metavar="N", help="runs of place and route (default 3)"
    )
    parser.add_argument(
        "--estimate",
        action="store_true",
        help="instead of synthesising: what a formula fitted to the table says, and which boards "
        "have room for it",
    )
    parser.add_argument(
        "--rows",
        nargs="*",
        metavar="NAME",
        help="instead of a system the configurations of regressions/silicon.toml, all or those "
        "with these names; exit status 1 if one is above its budget",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="with --rows: put what is measured into the table of docs/silicon.md",
    )
    _add_json(parser)
    parser.epilog = (
        "Counted is the whole flattened design out of context, by Yosys; levels are LUTs between "
        "registers, and no clock. What the same sources, configuration and Yosys gave before is "
        "taken from the build folder."
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog=Path(command_line()).name,
        description="Quantised neural networks to SystemVerilog accelerators.",
        epilog=f"`{command_line()} COMMAND --help` describes a command. Exit status: 0 success, "
        "1 a mismatch or failed check, 2 bad usage or bad input, 130 interrupted by Ctrl-C.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, sentence: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=sentence, description=sentence, allow_abbrev=False)

    sim = add(
        "sim",
        "Simulate a model on the accelerator's RTL with its firmware, and compare every layer.",
    )
    sim.add_argument(
        "model", nargs="?", default="lenet5", metavar="MODEL", help=f"{_MODEL} (default lenet5)"
    )
    _add_hardware(sim)
    _add_weights(sim)
    sim.add_argument("--seed", type=_positive, default=1, help="of stalls and memory (default 1)")
    sim.add_argument("--images", type=_positive, help="images to run, from the model's test set")
    sim.add_argument("--batch", type=_positive, help="images that one run processes")
    sim.add_argument(
        "--stalls",
        choices=("none", "light", "heavy"),
        default="none",
        help="random stalls of the memory; with them a second run without measures the cycles that "
        "are a property of the design (default none: fixed latency, full rate)",
    )
    sim.add_argument("--trace", action="store_true", help="write waves (FST) and print where")
    sim.add_argument(
        "--gates",
        action="store_true",
        help="simulate the netlist that Yosys maps to series 7 instead of the RTL; the hardware is "
        "then the model's with 4x4 units unless --hardware says otherwise",
    )
    _add_json(sim)

    export = add("export", "Write a model's program, weights, vectors and headers to a folder.")
    export.add_argument(
        "model", nargs="?", metavar="MODEL", help=f"{_MODEL}; may be left out with --ip --hardware"
    )
    export.add_argument("--out", metavar="DIR", type=Path, required=True, help="the folder")
    export.add_argument(
        "--board",
        metavar="BOARD",
        help="a folder that needs nothing beside it: Vivado's script with all sources, firmware, "
        "program, vectors and a README; with --ip the board of its example (default zcu104)",
    )
    export.add_argument(
        "--ip",
        action="store_true",
        help="instead of a model's files the accelerator as an IP package for Vivado's block "
        "designs: scripts, sources, registers, driver and a README",
    )
    export.add_argument(
        "--clock",
        metavar="MHZ",
        type=_frequency,
        help="of the board; left out: what the model's core asks for, or the board's, or the "
        "hardware's if that is slower",
    )
    _add_hardware(export)
    _add_weights(export)
    export.add_argument("--images", type=_positive, help="images of the vectors")
    export.add_argument("--batch", type=_positive, help="images that one run processes")
    _add_json(export)

    benchmark = add("bench", "Run a benchmark, or list the benchmarks.")
    benchmark.add_argument("name", nargs="?", metavar="NAME", help="left out: list them")
    benchmark.add_argument(
        "models", nargs="*", metavar="MODEL", help="zoo: only these models; farm: WORKERS CASES"
    )
    benchmark.add_argument(
        "--write", action="store_true", help="zoo: take what is measured as expected from now on"
    )
    _add_json(benchmark)

    _add_regress(
        add("regress", "Run a suite of random cases, each repeatable from its name, and report.")
    )

    nightly = add(
        "nightly",
        "Run everything that runs at night, or go on with a night that was killed, and report.",
    )
    nightly.add_argument(
        "--hours",
        type=_hours,
        metavar="H",
        help="run the parts that waited longest, as many as this allows, and list the others",
    )
    nightly.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        help="where state and reports of all nights are (default build/nightly)",
    )
    nightly.add_argument(
        "--plan", metavar="FILE", type=Path, help="the parts (default regressions/nightly.toml)"
    )
    nightly.add_argument(
        "--farm",
        metavar="ADDRESS|local:N|slurm[:N]",
        help="where regressions run their cases; the other parts, and coverage, run here",
    )
    _add_json(nightly)
    nightly.add_argument("--html", metavar="FILE", type=Path, help="also write the report here")
    # What a part is, this parser knows; nothing that runs a command may import it.
    nightly.set_defaults(check_command=check_command)
    nightly.epilog = (
        "Exit status 0 if whatever ran passed, 1 if something failed, 130 after Ctrl-C or SIGTERM: "
        "the same command then goes on where it was, if the sources are a clean checkout of the "
        "same commit."
    )

    _add_coverage(
        add("coverage", "Report what runs have covered of the RTL: lines, branches and bits.")
    )

    _add_mutate(
        add("mutate", "Put bugs into the RTL by rule, and report which of them the tests find.")
    )

    _add_synth(
        add(
            "synth",
            "Synthesise a system with Yosys: LUT, FF, DSP and RAM by block, and the longest paths.",
        )
    )

    add("library", "Print the folder that `fusesoc library add corewright FOLDER` takes.")
    for name, what, sentence in (
        ("test", "pytest", "Run the tests: everything CI runs, or what pytest's arguments select."),
        ("fusesoc", "FuseSoC", "Run FuseSoC with this tree's cores in the right environment."),
        ("shell", "COMMAND", "Start a shell, or run one command, in the right environment."),
    ):
        passed = add(name, sentence)
        passed.add_argument(
            "arguments", nargs=argparse.REMAINDER, metavar="...", help=f"handed to {what}"
        )
    return parser


def check_command(words: Sequence[str]) -> None:
    """Raise FlowInputError where words are no command line of this program, or its ``nightly``."""
    from corewright.cli.commands import benchmarks
    from corewright.flow.errors import FlowInputError
    from corewright.regress import find_suite

    if words[0] == "nightly":
        raise FlowInputError("'nightly' is the night itself, legal are the other commands")
    if words[0] in _PASSED_ON:
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parsed = build_parser().parse_args(list(words))
    except SystemExit as error:
        text = said.getvalue().strip().rpartition("error: ")[2] or "--help is no command"
        raise FlowInputError(f"no command line: {text}") from error
    if parsed.command == "regress":
        find_suite(parsed.suite)
    if parsed.command == "bench" and parsed.name is not None and parsed.name not in benchmarks():
        legal = ", ".join(benchmarks())
        raise FlowInputError(f"there is no benchmark '{parsed.name}', legal are: {legal}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Before argparse, which would look for options of its own among them.
    if words and words[0] in _PASSED_ON and words[1:2] not in (["--help"], ["-h"]):
        from corewright.cli import tools

        return _guarded(lambda: tools.run(words[0], words[1:]))
    parsed = build_parser().parse_args(words)
    if parsed.command in _PASSED_ON:
        return 0

    if parsed.command == "library":
        print(repository_root())
        return 0
    return _guarded(lambda: _run(parsed))


def _run(parsed: argparse.Namespace) -> int:
    from corewright.cli import commands
    from corewright.files import check_output

    files = ["json", "html", "junit", "waves"]
    if parsed.command == "regress":
        # Of others it is a folder.
        files.append("out")
    for name in files:
        # An hour's results should not be lost to a misspelt folder.
        check_output(getattr(parsed, name, None), f"--{name} FILE")
    return commands.COMMANDS[parsed.command](parsed)


def _guarded(command: Callable[[], int]) -> int:
    from corewright.compiler.errors import CompileError
    from corewright.environment import EnvironmentUnusableError
    from corewright.flow.errors import FlowError, FlowInputError
    from corewright.graph.errors import GraphError

    try:
        return int(command())
    except (FlowInputError, CompileError, GraphError) as error:
        return _complain(error, 2)
    except (EnvironmentUnusableError, FlowError) as error:
        return _complain(error, 1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}", 2)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _complain(what: object, status: int) -> int:
    sys.stderr.write(f"{Path(command_line()).name}: {what}{os.linesep}")
    return status

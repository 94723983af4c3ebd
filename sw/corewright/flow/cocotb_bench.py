# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""One cocotb bench on one model of Verilator's, from a cache of compiled models; or on Icarus'.

Who asks says which seed, and how to repeat the run: for tests
:mod:`corewright.testing.cocotb_runner`, for mutants :mod:`corewright.mutate`.

Environment variables: ``COREWRIGHT_CACHE`` moves the cache of compiled models (default
``~/.cache/corewright``); ``WAVES=1`` compiles with traces and keeps ``dump.vcd`` beside the log;
``COCOTB_TEST_FILTER`` selects tests by regular expression.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import logging
import os
import platform
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from xml.etree import ElementTree

import cocotb_tools.config
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Icarus, Runner, Verilator

from corewright.environment import (
    cache_home,
    search_path,
    tool_environment,
    verilator_executable,
)
from corewright.flow.coverage_data import VERILATOR_OPTIONS, collect, coverage_folder

_LOG = logging.getLogger(__name__)
_PARAMETERS_VARIABLE = "COREWRIGHT_BENCH_PARAMETERS"
_HEADERS = (".svh", ".vh")
# What a simulation finds as ``pytest``, see there.
_WITHOUT_PYTEST = Path(__file__).with_name("without_pytest")
# What each model includes first.
_COMMON_HEADER = Path(__file__).with_name("verilated_common.h")
# A bench spends its time in Python and in the runtime, which is compiled once and optimised.
_OPTIMISATION = "OPT_FAST=-Og"
# Behaviour of this file that changes what is compiled; raise it when that changes.
_RECIPE = "7"


class CocotbFailure(AssertionError):  # noqa: N818 - it is the verdict of a test, as pytest has it
    """A bench failed to build, failed, hung or ran no test; the text ends with how to repeat it."""


class BenchTestsFailed(CocotbFailure):
    """A run left results, and some of its tests failed.

    Attributes:
        tests: their names, in the order in which they ran.
    """

    tests: tuple[str, ...] = ()


class BenchHung(CocotbFailure):
    """A run did not end in time."""


def bench_parameters() -> dict[str, Any]:
    """Return, inside a bench, the ``parameters`` and ``bench_options`` that its launcher gave."""
    values: dict[str, Any] = json.loads(os.environ.get(_PARAMETERS_VARIABLE, "{}"))
    return values


def cache_folder() -> Path:
    """Return where compiled models are kept.

    ``$COREWRIGHT_CACHE``, or ``corewright`` in the user's cache, see
    :func:`corewright.environment.cache_home`.
    """
    named = os.environ.get("COREWRIGHT_CACHE")
    return (Path(named) if named else cache_home() / "corewright") / "cocotb"


class BoundedRunner(Runner):
    """A runner of cocotb's whose commands end in time, and whose environment is given."""

    def __init__(
        self, folders: Sequence[Path], timeout: float, cpu_seconds: int | None = None
    ) -> None:
        self._folders = [str(folder) for folder in folders]
        self._timeout = timeout
        self._cpu_seconds = cpu_seconds
        super().__init__()

    def _set_tools(self) -> None:
        """Put into the environment what finds the tools."""
        raise NotImplementedError

    @staticmethod
    def simulation_arguments(seed: int, waves: bool) -> tuple[list[str], list[str]]:
        """Return the simulator's own arguments, and plusargs."""
        raise NotImplementedError

    def _set_env_common(self) -> None:
        given = dict(self.env)
        super()._set_env_common()
        self._set_tools()
        path = [*self._folders, self.env.get("PYTHONPATH", "")]
        self.env["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        # cocotb lets the caller's environment win over what it was asked for.
        self.env.update(given)

    def _limited(self) -> None:
        assert self._cpu_seconds is not None  # noqa: S101 - for the type checker
        # A grace, in which nothing is caught: the hard limit kills.
        resource.setrlimit(resource.RLIMIT_CPU, (self._cpu_seconds, self._cpu_seconds + 5))

    def _execute_cmds(
        self, cmds: Sequence[Sequence[str]], cwd: Path | str, stdout: TextIO | None = None
    ) -> None:
        for command in cmds:
            if stdout is not None:
                stdout.write(shlex.join(command) + "\n")
                stdout.flush()
            done = subprocess.run(
                command,
                cwd=cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                timeout=self._timeout,
                check=False,
                preexec_fn=self._limited if self._cpu_seconds else None,
            )
            if self._cpu_seconds and done.returncode == -signal.SIGXCPU:
                raise subprocess.TimeoutExpired(command, self._cpu_seconds)
            if done.returncode != 0:
                raise RuntimeError(f"{Path(command[0]).name} ended with status {done.returncode}")


class VerilatorRunner(BoundedRunner, Verilator):
    """cocotb's Verilator runner, publishing only the top's variables and optimised for speed.

    ``--public-flat-rw``, which cocotb's own runner passes, keeps every signal of the design alive
    and makes the simulation about three times slower.
    """

    # What is published, when a model is built.
    control_file: Path | None = None

    def _set_tools(self) -> None:
        self.env.update(tool_environment(self.env))
        # It would have the last word on optimisation.
        self.env.pop("USER_CPPFLAGS", None)

    @staticmethod
    def simulation_arguments(seed: int, waves: bool) -> tuple[list[str], list[str]]:
        """Seed ``$random`` and what has no first value; a model that has waves writes them."""
        # As in silicon, a register begins with anything: one that a reset forgets shows.
        return [f"+verilator+seed+{seed}", "+verilator+rand+reset+2"], []

    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(verilator_executable())

    def _build_command(self) -> list[list[str]]:
        verilate, self._make = super()._build_command()
        verilate.remove("--public-flat-rw")
        verilate.append(str(self.control_file))
        self._make[self._make.index("-j") + 1] = "1"
        return [verilate]

    def make(self, log: TextIO, *arguments: str) -> None:
        """Compile what ``build`` has generated: the simulation, unless arguments name a target."""
        self._execute_cmds([[*self._make, *arguments]], self.build_dir, log)


class IcarusRunner(BoundedRunner, Icarus):
    """cocotb's runner of ``vvp``, which needs no Verilator to be there."""

    def _set_tools(self) -> None:
        self.env["PATH"] = search_path(self.env.get("PATH", os.defpath))

    @staticmethod
    def simulation_arguments(seed: int, waves: bool) -> tuple[list[str], list[str]]:
        """End where others would ask; ask the flow's model for waves."""
        return ["-n"], ["+cw_waves"] if waves else []


@functools.cache
def _identity(executable: str) -> str:
    done = subprocess.run(
        [executable, "--version"],
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _key(parts: Mapping[str, Any], files: Sequence[Path]) -> str:
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
    for file in files:
        content = file.read_bytes()
        digest.update(f"\n{file.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:20]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel drops it also when the holder is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tail(path: Path, lines: int = 60) -> str:
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True)
class CocotbBench:
    """A top, its sources and parameters, and the bench that drives it; see :func:`make_bench`."""

    toplevel: str
    test_module: str
    sources: list[Path]
    parameters: dict[str, int | str]
    arguments: list[str]
    folder: Path
    options: dict[str, Any]
    defines: dict[str, int | str]
    test_filter: str | None
    timeout: float
    waves: bool
    runner: type[BoundedRunner] = VerilatorRunner

    @property
    def description(self) -> str:
        """What messages call it."""
        return f"{self.test_module} on {self.toplevel} {self.parameters}"


def make_bench(
    toplevel: str,
    test_module: str,
    sources: Sequence[Path],
    parameters: Mapping[str, int | str] | None,
    extra_args: Sequence[str],
    folder: Path,
    options: Mapping[str, Any] | None,
    defines: Mapping[str, int | str] | None,
    test_filter: str | None,
    timeout: float,
    runner: type[BoundedRunner] = VerilatorRunner,
) -> CocotbBench:
    """Return a bench; raises ValueError where a source does not exist."""
    missing = [str(source) for source in sources if not source.is_file()]
    if missing:
        raise ValueError(f"no such source: {', '.join(missing)}")
    return CocotbBench(
        toplevel,
        test_module,
        list(sources),
        dict(parameters or {}),
        list(extra_args),
        folder,
        dict(options or {}),
        dict(defines or {}),
        test_filter or os.environ.get("COCOTB_TEST_FILTER"),
        timeout,
        os.environ.get("WAVES", "0") not in ("", "0"),
        runner,
    )


def run_model(
    bench: CocotbBench,
    model: Path,
    seed: int,
    build_root: Path | None,
    plusargs: Sequence[str] = (),
    *,
    reproduce: str,
    fail_fast: bool = False,
    rewrite_assertions: bool = False,
    cpu_seconds: int | None = None,
) -> Path:
    """Run a bench once and return the folder of the run.

    Args:
        bench: what runs.
        model: see :func:`build_model`.
        seed: 1 to 2^31 - 1.
        build_root: see :func:`corewright.testing.cocotb_runner.run_cocotb`.
        plusargs: further arguments of the simulation.
        reproduce: the command that repeats the run, for messages.
        fail_fast: end with the first test that fails.
        rewrite_assertions: let failed assertions say what they compared, which takes seconds.
        cpu_seconds: processor time after which the run counts as hung, beside the bench's timeout.

    Raises:
        BenchTestsFailed: tests failed.
        BenchHung: the run did not end in time.
        CocotbFailure: it crashed, or no test ran.
    """
    runs = build_root if build_root is not None else cache_folder() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    prefix = f"{bench.test_module}-{model.name[-8:]}-"
    run = Path(tempfile.mkdtemp(prefix=prefix, dir=runs)).resolve()
    log, results = run / "run.log", run / "results.xml"
    environment = {
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_ANSI_OUTPUT": "0",
        # Sets of strings are in the same order in each run.
        "PYTHONHASHSEED": "0",
        _PARAMETERS_VARIABLE: json.dumps({**bench.parameters, **bench.options}),
    }
    if fail_fast:
        environment["COCOTB_MAX_FAILURES"] = "1"
    folders = [bench.folder, Path(__file__).resolve().parents[2]]
    if not rewrite_assertions:
        # Importing pytest takes longer than a short bench.
        environment["COCOTB_REWRITE_ASSERTION_FILES"] = ""
        folders.insert(0, _WITHOUT_PYTEST)
    _LOG.info("%s on %s: %s", bench.test_module, model.name, reproduce)
    runner = bench.runner(folders, bench.timeout, cpu_seconds)
    arguments, more_plusargs = bench.runner.simulation_arguments(seed, bench.waves)
    trouble = ""
    verdict: type[CocotbFailure] = CocotbFailure
    try:
        runner.test(
            bench.test_module,
            hdl_toplevel=bench.toplevel,
            hdl_toplevel_lang="verilog",
            seed=seed,
            build_dir=model,
            test_dir=run,
            results_xml=str(results),
            log_file=log,
            waves=bench.waves,
            extra_env=environment,
            test_filter=bench.test_filter,
            test_args=arguments,
            plusargs=[*plusargs, *more_plusargs],
        )
    except (RuntimeError, SystemExit) as error:
        trouble = str(error) or "the simulation failed"
    except subprocess.TimeoutExpired as error:
        trouble, verdict = f"no end after {error.timeout:.0f} s", BenchHung
    # The exit status alone proves nothing: a simulation in which no test ran ends with 0.
    try:
        tests, failures = get_results(results)
    except RuntimeError:
        trouble = trouble or "the simulation left no results"
    else:
        if failures:
            verdict = BenchTestsFailed
            trouble = f"{failures} of {tests} tests failed"
        elif tests == 0:
            trouble = trouble or "no test ran"
    if trouble:
        failure = verdict(
            f"{bench.description}: {trouble}\n{_tail(log)}\nlog: {log}\nreproduce: {reproduce}"
        )
        if isinstance(failure, BenchTestsFailed):
            failure.tests = _failed_tests(results)
        raise failure
    counts = run / "coverage.dat"
    if coverage_folder() is not None and counts.is_file():
        collect(counts, model)
    if build_root is None and not bench.waves:
        shutil.rmtree(run)
    return run


def _failed_tests(results: Path) -> tuple[str, ...]:
    """Return the names of the tests that failed, from the results in JUnit's form."""
    cases = ElementTree.parse(results).iter("testcase")
    bad = [
        case for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    return tuple(case.get("name", "") for case in bad)


def build_model(bench: CocotbBench, reproduce: str) -> Path:
    """Return the folder of the compiled model, compiling it unless the cache has it.

    Args:
        bench: what is compiled.
        reproduce: the command that repeats this, for messages.

    Raises:
        CocotbFailure: the model could not be built.
    """
    executable = str(verilator_executable())
    tools = {
        "recipe": _RECIPE,
        "verilator": [executable, _identity(executable)],
        "compiler": _identity("g++"),
        "cocotb": str(cocotb_tools.config.libs_dir),
        "platform": [platform.machine(), sys.version],
    }
    parts = {
        **tools,
        "toplevel": bench.toplevel,
        "parameters": bench.parameters,
        "defines": bench.defines,
        "arguments": bench.arguments,
        # Counts name the sources by their paths: another clone's model counts that clone's.
        "paths": [str(source) for source in bench.sources]
        if set(VERILATOR_OPTIONS) <= set(bench.arguments)
        else [],
        "waves": bench.waves,
    }
    key = _key(parts, bench.sources)
    models = cache_folder() / "models"
    final = models / f"{bench.toplevel}-{key}"
    with _locked(models / "locks" / key):
        # A model appears by one rename, so that what is there is whole.
        if (final / bench.toplevel).is_file():
            return final
        shutil.rmtree(final, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix="building-", dir=models))
        log = work / "build.log"
        trouble = ""
        try:
            _compile(bench, work, log, tools)
        except RuntimeError as error:
            trouble = str(error)
        except subprocess.TimeoutExpired:
            trouble = f"no end after {bench.timeout:.0f} s"
        if trouble:
            message = f"building {bench.toplevel} {bench.parameters}: {trouble}\n{_tail(log)}"
            shutil.rmtree(work, ignore_errors=True)
            raise CocotbFailure(f"{message}\nreproduce: {reproduce}")
        # Objects and generated C++ are of no more use; they are most of the size.
        for leftover in work.iterdir():
            if leftover.suffix in (".o", ".gch", ".a", ".cpp", ".d"):
                leftover.unlink()
        work.rename(final)
    return final


def _compile(bench: CocotbBench, work: Path, log: Path, tools: Mapping[str, Any]) -> None:
    """Make a model's C++ in ``work``, and the simulation from it and from the shared runtime."""
    control = work / "publish.vlt"
    control.write_text(
        f'`verilator_config\npublic_flat_rw -module "{bench.toplevel}" -var "*"\n',
        encoding="utf-8",
    )
    headers = [source for source in bench.sources if source.suffix in _HEADERS]
    runner = VerilatorRunner([], bench.timeout)
    runner.control_file = control
    runner.build(
        sources=[source for source in bench.sources if source not in headers],
        includes=list(dict.fromkeys(header.parent for header in headers)),
        hdl_toplevel=bench.toplevel,
        parameters=bench.parameters,
        defines=bench.defines,
        build_args=[
            "--assert",
            # What has no first value gets one of the run's seed.
            *("--x-initial", "unique"),
            # Sources may hold further modules that nothing instantiates.
            *("--top-module", bench.toplevel),
            # One file, one compilation: parts would have precompiled headers of their own.
            *("--output-split", "0"),
            *bench.arguments,
        ],
        build_dir=work,
        waves=bench.waves,
        log_file=log,
        timescale=("1ns", "1ps"),
        always=True,
    )
    with log.open("a", encoding="utf-8") as file:
        runtime = _runtime(runner, work, file, tools)
        # In one piece: each further compilation reads all headers again. What ccache could keep,
        # the cache of models does.
        parts = "".join(f'#include "{part}"\n' for part in sorted(work.glob("Vtop*.cpp")))
        (work / "simulation.cpp").write_text(
            f"#define VL_INCLUDE_OPT include\n{parts}{_inputs_begin_at_zero(work)}"
            f'#include "{_simulator_main()}"\n',
            encoding="utf-8",
        )
        (work / "simulation.mk").write_text(
            "simulation:\n"
            f"\t$(CXX) $(OPT_FAST) $(CXXFLAGS) $(CPPFLAGS) simulation.cpp {runtime}/*.o"
            f" $(LDFLAGS) $(LDLIBS) -o {bench.toplevel}\n",
            encoding="utf-8",
        )
        header = f"-I{runtime} -include {_COMMON_HEADER.name}"
        linker = "-fuse-ld=gold" if shutil.which("ld.gold") else ""
        runner.make(
            file,
            *("-f", "simulation.mk", f"{_OPTIMISATION} {header}", f"LDFLAGS={linker}"),
            "simulation",
        )


def _inputs_begin_at_zero(work: Path) -> str:
    """Return C++ that has the main program take a model whose inputs begin at 0.

    What else has no first value begins with anything. A clock's edge at time 0 finds a design that
    has settled, in reset where that is low: assertions look at what was before the edge.
    """
    header = (work / "Vtop.h").read_text(encoding="utf-8")
    inputs = re.findall(r"VL_IN\w*\(&(\w+),", header)
    body = "".join(f"    {name} = {{}};\n" for name in inputs)
    return (
        "struct VtopOfBench final : Vtop {\n"
        f"  explicit VtopOfBench(const char* name) : Vtop{{name}} {{\n{body}"
        "#if VM_TRACE\n    Verilated::traceEverOn(true);\n#endif\n"
        "    eval();\n  }\n"
        "};\n"
        "#define Vtop VtopOfBench\n"
    )


def _simulator_main() -> Path:
    """Return cocotb's ``main`` of a verilated model."""
    return Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp"


def _runtime(runner: VerilatorRunner, work: Path, log: TextIO, tools: Mapping[str, Any]) -> Path:
    """Return the folder of Verilator's runtime for a model's options, compiling it the first time.

    It holds objects, and Verilator's headers precompiled: all that a model does not make itself.
    """
    classes = work / "Vtop_classes.mk"
    options = re.findall(r"^VM_\w+ = .*$", classes.read_text(encoding="utf-8"), re.MULTILINE)
    key = _key({**tools, "options": options}, [_COMMON_HEADER])
    final = cache_folder() / "runtimes" / key
    with _locked(final.parent / "locks" / key):
        if not final.is_dir():
            building = Path(tempfile.mkdtemp(prefix="building-", dir=final.parent))
            shutil.copyfile(_COMMON_HEADER, building / _COMMON_HEADER.name)
            header = building / _COMMON_HEADER.name
            (work / "runtime.mk").write_text(
                "runtime: $(VK_GLOBAL_OBJS)\n"
                f"\t$(CXX) $(OPT_FAST) $(CXXFLAGS) $(CPPFLAGS) -x c++-header {header}"
                f" -o {header}.gch\n",
                encoding="utf-8",
            )
            runner.make(log, "-f", "runtime.mk", _OPTIMISATION, "runtime")
            for item in work.glob("*.o"):
                shutil.copyfile(item, building / item.name)
            building.rename(final)
    return final

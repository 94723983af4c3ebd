# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs cocotb benches on Verilator from pytest, sharing compiled models between tests.

A block's launcher, ``core/x/dv/test_x.py``::

    @pytest.mark.parametrize("depth", [1, 2, 5])
    def test_fifo(depth: int) -> None:
        run_cocotb("cw_axis_fifo", "tb_axis_fifo", sources_of("corewright:ip:axis_fifo"),
                   {"Width": 8, "Depth": depth})

and its bench ``tb_axis_fifo.py`` beside it, which reads ``bench_parameters()["Depth"]``.

Environment variables: ``COREWRIGHT_SEED`` replays a seed; ``COREWRIGHT_CACHE`` moves the cache of
compiled models (default ``~/.cache/corewright``); ``WAVES=1`` compiles with traces and keeps
``dump.vcd`` beside the log; ``COCOTB_TEST_FILTER`` selects tests by regular expression.
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
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import cocotb_tools.config
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Verilator

from corewright.environment import (
    cache_home,
    repository_root,
    tool_environment,
    verilator_executable,
)
from corewright.testing.sources import sources_of

__all__ = ["CocotbFailure", "bench_parameters", "cache_folder", "run_cocotb", "sources_of"]

_LOG = logging.getLogger(__name__)
_PARAMETERS_VARIABLE = "COREWRIGHT_BENCH_PARAMETERS"
_SEED_VARIABLE = "COREWRIGHT_SEED"
# Verilator accepts seeds from 1 to 2^31 - 1.
_SEED_LIMIT = 2**31 - 1
_HEADERS = (".svh", ".vh")
# Behaviour of this file that changes what is compiled; raise it when that changes.
_RECIPE = "2"


class CocotbFailure(AssertionError):  # noqa: N818 - it is the verdict of a test, as pytest has it
    """A bench failed to build, failed, hung or ran no test; the text ends with how to repeat it."""


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


class _Runner(Verilator):
    """cocotb's Verilator runner, publishing only the top's variables and optimised for speed.

    ``--public-flat-rw``, which cocotb's own runner passes, keeps every signal of the design alive
    and makes the simulation about three times slower.
    """

    def __init__(self, control_file: Path | None, folders: Sequence[Path], timeout: float) -> None:
        self._control_file = control_file
        self._folders = [str(folder) for folder in folders]
        self._timeout = timeout
        super().__init__()

    def _set_env_common(self) -> None:
        given = dict(self.env)
        super()._set_env_common()
        self.env.update(tool_environment(self.env))
        path = [*self._folders, self.env.get("PYTHONPATH", "")]
        self.env["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        # cocotb lets the caller's environment win over what it was asked for.
        self.env.update(given)

    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(verilator_executable())

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate.remove("--public-flat-rw")
        verilate.append(str(self._control_file))
        make[make.index("-j") + 1] = "1"
        # The default, -Os, costs a factor of two in speed.
        make.append("OPT_FAST=-O2")
        return [verilate, make]

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
            )
            if done.returncode != 0:
                raise RuntimeError(f"{Path(command[0]).name} ended with status {done.returncode}")


@functools.cache
def _verilator_identity(executable: str) -> str:
    done = subprocess.run(
        [executable, "--version"],
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _model_key(parts: Mapping[str, Any], files: Sequence[Path]) -> str:
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


def _choose_seed(seed: int | None) -> int:
    replayed = os.environ.get(_SEED_VARIABLE)
    if replayed is not None:
        seed = int(replayed)
    if seed is None:
        # The one place where a seed comes from nowhere; it is reported with every failure.
        seed = random.SystemRandom().randrange(1, _SEED_LIMIT)
    if not 1 <= seed <= _SEED_LIMIT:
        raise ValueError(f"seed {seed} is not in 1..{_SEED_LIMIT}")
    return seed


def _reproduce(seed: int) -> str:
    """Return the command that repeats the current pytest case with this seed."""
    case = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" (", 1)[0]
    return f"{_SEED_VARIABLE}={seed} ./cw test {shlex.quote(case)}" if case else f"seed {seed}"


def run_cocotb(
    toplevel: str,
    test_module: str,
    sources: Sequence[Path],
    parameters: Mapping[str, int | str] | None = None,
    build_root: Path | None = None,
    seed: int | None = None,
    extra_args: Sequence[str] = (),
    *,
    bench_folder: Path | None = None,
    bench_options: Mapping[str, Any] | None = None,
    defines: Mapping[str, int | str] | None = None,
    test_filter: str | None = None,
    timeout: float = 900.0,
) -> Path:
    """Build a model with Verilator, or take it from the cache, and run one cocotb bench on it.

    Assertions are on, and a warning of Verilator fails the build. The bench sees the top's ports
    and variables only; to reach deeper, put a ``.vlt`` file with ``public_flat_rw`` lines among the
    sources. Models are cached by the content of sources and control files, parameters, arguments
    and versions; any number of processes may ask for the same model at the same time.

    Args:
        toplevel: the top module.
        test_module: the bench's Python module, without ``.py``.
        sources: files in compilation order, see :func:`sources_of`; the folders of ``.svh`` and
            ``.vh`` files become include paths.
        parameters: parameters of the top module: integers, or literals as Verilator's ``-G`` takes
            them (a string needs its double quotes). The bench gets them by
            :func:`bench_parameters`.
        build_root: where the run's folder (log, results, waves) is made and kept. When None, a
            folder in the cache is used, and kept only if the run fails or records waves.
        seed: 1 to 2^31 - 1 for cocotb's generators (``random``, ``COCOTB_RANDOM_SEED``) and the
            model's ``$random``; random when None. ``COREWRIGHT_SEED`` overrides it.
        extra_args: further arguments for Verilator, such as ``"--timing"``.
        bench_folder: where the bench lies; the caller's folder when None.
        bench_options: further values for :func:`bench_parameters` that need no other model.
        defines: preprocessor macros.
        test_filter: regular expression that selects tests of the bench.
        timeout: seconds after which build or run counts as hung.

    Returns:
        The folder of the run, which no longer exists if the run passed without ``build_root``.

    Raises:
        CocotbFailure: build or run failed, a test failed, or no test ran. The message holds the
            log's end, the run's folder and one line that repeats the run.
        ValueError: the seed is out of range, or a source does not exist.
    """
    if bench_folder is None:
        bench_folder = Path(sys._getframe(1).f_globals["__file__"]).resolve().parent
    missing = [str(source) for source in sources if not source.is_file()]
    if missing:
        raise ValueError(f"no such source: {', '.join(missing)}")
    seed = _choose_seed(seed)
    parameters = dict(parameters or {})
    reproduce = _reproduce(seed)
    waves = os.environ.get("WAVES", "0") not in ("", "0")

    model = _build(
        toplevel,
        list(sources),
        parameters,
        dict(defines or {}),
        list(extra_args),
        waves=waves,
        timeout=timeout,
        reproduce=reproduce,
    )

    runs = build_root if build_root is not None else cache_folder() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix=f"{test_module}-{model.name[-8:]}-", dir=runs)).resolve()
    log, results = run / "run.log", run / "results.xml"
    environment = {
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_ANSI_OUTPUT": "0",
        _PARAMETERS_VARIABLE: json.dumps({**parameters, **(bench_options or {})}),
    }
    _LOG.info("%s on %s: %s", test_module, model.name, reproduce)
    runner = _Runner(None, [bench_folder, repository_root() / "sw"], timeout)
    trouble = ""
    try:
        runner.test(
            test_module,
            hdl_toplevel=toplevel,
            hdl_toplevel_lang="verilog",
            seed=seed,
            build_dir=model,
            test_dir=run,
            results_xml=str(results),
            log_file=log,
            waves=waves,
            extra_env=environment,
            test_filter=test_filter or os.environ.get("COCOTB_TEST_FILTER"),
            test_args=[f"+verilator+seed+{seed}"],
        )
    except (RuntimeError, SystemExit) as error:
        trouble = str(error) or "the simulation failed"
    except subprocess.TimeoutExpired:
        trouble = f"no end after {timeout:.0f} s"
    # The exit status alone proves nothing: a simulation in which no test ran ends with 0.
    try:
        tests, failures = get_results(results)
    except RuntimeError:
        trouble = trouble or "the simulation left no results"
    else:
        if failures:
            trouble = f"{failures} of {tests} tests failed"
        elif tests == 0:
            trouble = trouble or "no test ran"
    if trouble:
        raise CocotbFailure(
            f"{test_module} on {toplevel} {parameters}: {trouble}\n{_tail(log)}\n"
            f"log: {log}\nreproduce: {reproduce}"
        )
    if build_root is None and not waves:
        shutil.rmtree(run)
    return run


def _build(
    toplevel: str,
    sources: list[Path],
    parameters: dict[str, int | str],
    defines: dict[str, int | str],
    arguments: list[str],
    *,
    waves: bool,
    timeout: float,
    reproduce: str,
) -> Path:
    """Return the folder of the compiled model, compiling it unless the cache has it."""
    executable = str(verilator_executable())
    parts = {
        "recipe": _RECIPE,
        "verilator": [executable, _verilator_identity(executable)],
        "cocotb": str(cocotb_tools.config.libs_dir),
        "platform": [platform.machine(), sys.version],
        "toplevel": toplevel,
        "parameters": parameters,
        "defines": defines,
        "arguments": arguments,
        "waves": waves,
    }
    key = _model_key(parts, sources)
    models = cache_folder() / "models"
    final = models / f"{toplevel}-{key}"
    with _locked(models / "locks" / key):
        # A model appears by one rename, so that what is there is whole.
        if (final / toplevel).is_file():
            return final
        shutil.rmtree(final, ignore_errors=True)
        work = models / f"building-{uuid.uuid4().hex}"
        work.mkdir(parents=True)
        control = work / "publish.vlt"
        control.write_text(
            f'`verilator_config\npublic_flat_rw -module "{toplevel}" -var "*"\n', encoding="utf-8"
        )
        runner = _Runner(control, [], timeout)
        log = work / "build.log"
        trouble = ""
        try:
            runner.build(
                sources=[source for source in sources if source.suffix not in _HEADERS],
                includes=list(dict.fromkeys(s.parent for s in sources if s.suffix in _HEADERS)),
                hdl_toplevel=toplevel,
                parameters=parameters,
                defines=defines,
                build_args=["--assert", *arguments],
                build_dir=work,
                waves=waves,
                log_file=log,
                timescale=("1ns", "1ps"),
                always=True,
            )
        except RuntimeError as error:
            trouble = str(error)
        except subprocess.TimeoutExpired:
            trouble = f"no end after {timeout:.0f} s"
        if trouble:
            message = f"building {toplevel} {parameters}: {trouble}\n{_tail(log)}"
            shutil.rmtree(work, ignore_errors=True)
            raise CocotbFailure(f"{message}\nreproduce: {reproduce}")
        # Objects and generated C++ are of no more use; they are most of the size.
        for leftover in work.iterdir():
            if leftover.suffix in (".o", ".gch", ".a", ".cpp", ".d"):
                leftover.unlink()
        work.rename(final)
    return final

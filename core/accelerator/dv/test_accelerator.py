# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The accelerator in its bench: errors it must report and recover from, faults the bench must see.

Bit-exactness on many networks is the regressions' matter; here one small network with every kind
of layer runs on a small array.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from corewright.compiler import compile_graph
from corewright.flow.compiled_bench import build_bench
from corewright.flow.coverage_data import run_counted
from corewright.flow.vectors import prepare
from corewright.graph import Conv, Dense, Graph, Pool, Requant, Tensor
from corewright.hardware import Hardware
from corewright.program import (
    DESCRIPTOR_BYTES,
    HEADER_BYTES,
    HEADER_FIELDS,
    decode_header,
    decode_program,
    encode_program,
)

HW = Hardware(
    processing_elements=(4, 6),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=64,
    pixel_buffer_depth=300,
)
BATCH, RUNS = 3, 2
STALLS = ("none", "light", "heavy")
SEED = int(os.environ.get("COREWRIGHT_SEED", "1"))


@dataclass(frozen=True)
class Case:
    """A compiled bench and the files of its run."""

    executable: Path
    vectors: Path
    layers: int
    beat_bytes: int

    def run(
        self, result: Path, *plusargs: str, vectors: Path | None = None
    ) -> tuple[subprocess.CompletedProcess[str], dict]:
        """Runs the bench; returns the process and what it wrote to ``result``."""
        command = [str(self.executable), f"+dir={vectors or self.vectors}", f"+result={result}"]
        if not any(argument.startswith("+seed=") for argument in plusargs):
            command.append(f"+seed={SEED}")
        done = run_counted([*command, *plusargs], capture_output=True, text=True, timeout=300)
        written = json.loads(result.read_text("utf-8")) if result.exists() else {}
        return done, written


def _network(rng: np.random.Generator) -> Graph:
    """Convolution, both poolings, a strided convolution and a dense layer."""
    bits = HW.bits_input
    half = 1 << (HW.bits_weights - 1)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    image = Tensor("x", 11, 9, 3, bits, 0)

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-half, half, shape)

    def requant(shift: int) -> Requant:
        return Requant(0, shift, shift, low, high)

    tail = (HW.bits_weights, 0)
    t0, t1 = Tensor("t0", 11, 9, 10, bits, 0), Tensor("t1", 5, 4, 10, bits, 0)
    t2, t3 = Tensor("t2", 3, 2, 7, bits, 0), Tensor("t3", 2, 1, 7, bits, 0)
    t4 = Tensor("t4", 1, 1, 10, bits, 0)
    bias = rng.integers(-500, 500, 10)
    return Graph(
        "errors",
        image,
        (
            Conv("conv", "x", t0, weights(3, 3, 3, 10), bias, (1, 1), (1, 1, 1, 1), requant(8),
                 *tail),
            Pool("max", "max", "t0", t1, (2, 2), (2, 2), (0, 0, 0, 0), requant(0)),
            Conv("strided", "t1", t2, weights(3, 3, 10, 7), None, (2, 2), (1, 1, 1, 1),
                 requant(9), *tail),
            Pool("average", "average", "t2", t3, (2, 2), (1, 1), (0, 0, 0, 0), requant(0)),
            Dense("dense", "t3", t4, weights(14, 10), bias, requant(7), *tail),
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def case() -> Case:
    rng = np.random.default_rng(7)
    graph = _network(rng)
    images = rng.integers(-128, 128, (BATCH * RUNS, *graph.input.shape))
    vectors = prepare(graph, HW, images, BATCH)
    return Case(build_bench(HW).executable, vectors.folder, len(vectors.layers), HW.axi_bytes)


@pytest.mark.parametrize("stalls", STALLS)
def test_every_layer_is_exact_and_counters_add_up(case: Case, stalls: str, tmp_path: Path):
    done, result = case.run(tmp_path / "r.json", f"+stalls={stalls}")
    assert done.returncode == 0, done.stdout
    assert result["passed"] and result["mismatches"] == 0 and len(result["runs"]) == RUNS
    assert len(result["tensors"]) == 5
    for run in result["runs"]:
        assert len(run["layer_cycles"]) == case.layers
        assert run["stages"] == [{"layers": case.layers, "cycles": run["cycles"]}]
        for words in run["layer_cycles"]:
            assert sum(words[:7]) == words[7]
            assert words[0] > 0
        assert sum(words[7] for words in run["layer_cycles"]) <= run["cycles"]
        assert all(count % case.beat_bytes == 0 for count in (run["bytes"]["program"],))
        assert run["bytes"]["output"] <= run["bytes"]["output_bus"]


def test_a_seed_reproduces_a_run(case: Case, tmp_path: Path):
    runs = [
        case.run(tmp_path / f"{i}.json", "+stalls=heavy", f"+seed={seed}")[1]
        for i, seed in enumerate((11, 11, 12))
    ]
    cycles = [run["simulated_cycles"] for run in runs]
    assert cycles[0] == cycles[1] != cycles[2]


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("burst", [1, 2, 7, 12])
@pytest.mark.parametrize(
    ("port", "status"),
    [
        ("program", "AXI_READ_PROGRAM"),
        ("pixels", "AXI_READ_PIXELS"),
        ("output", "AXI_WRITE"),
    ],
)
def test_bus_error_is_reported_and_the_next_run_is_exact(
    case: Case, port: str, status: str, burst: int, stalls: str, tmp_path: Path
):
    done, result = case.run(
        tmp_path / "r.json",
        f"+inject_axi_error={port}:{burst}",
        f"+expect_status={status}",
        "+retry",
        f"+stalls={stalls}",
        f"+seed={SEED + burst}",
    )
    assert done.returncode == 0, done.stdout
    assert [run["status"] for run in result["runs"]] == [status, *["OK"] * RUNS]
    assert result["runs"][0]["error_info"] == 2  # SLVERR


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        ("+corrupt_program=0", "BAD_PROGRAM"),
        (f"+corrupt_program={HEADER_BYTES - 1}", "CORRUPTED"),
        (f"+corrupt_program={HEADER_BYTES + 3}", "CORRUPTED"),
        (f"+corrupt_program={HEADER_BYTES + 6 * DESCRIPTOR_BYTES}", "CORRUPTED"),
        ("+wrong_hash", "WRONG_HARDWARE"),
    ],
)
def test_firmware_refuses_a_damaged_program(case: Case, damage: str, status: str, tmp_path: Path):
    done, result = case.run(tmp_path / "r.json", damage, f"+expect_status={status}")
    assert done.returncode == 0, done.stdout
    assert result["runs"] == []
    assert result["bytes"] == {
        "program": 0,
        "pixels": 0,
        "residual": 0,
        "output": 0,
        "output_bus": 0,
    }


(LAYERS_WORD,) = (field.word for field in HEADER_FIELDS if field.name == "layers")


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        ("+corrupt_program_late=0", "BAD_PROGRAM"),
        ("+wrong_hash_late", "WRONG_HARDWARE"),
        # More layers than 16 bits count.
        (f"+corrupt_program_late={4 * LAYERS_WORD + 2}", "BAD_PROGRAM"),
        (f"+corrupt_program_late={HEADER_BYTES}", "BAD_DESCRIPTOR"),
        (f"+corrupt_program_late={HEADER_BYTES + DESCRIPTOR_BYTES - 1}", "BAD_DESCRIPTOR"),
        (f"+corrupt_program_late={HEADER_BYTES + 2 * DESCRIPTOR_BYTES + 130}", "BAD_DESCRIPTOR"),
    ],
)
@pytest.mark.parametrize("stalls", ["none", "heavy"])
def test_hardware_refuses_a_program_damaged_behind_the_check(
    case: Case, damage: str, status: str, stalls: str, tmp_path: Path
):
    done, result = case.run(
        tmp_path / "r.json", damage, f"+expect_status={status}", "+retry", f"+stalls={stalls}"
    )
    assert done.returncode == 0, done.stdout
    assert result["runs"][-1]["status"] == "OK" and result["mismatches"] == 0


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("microseconds", [1, 3, 5, 8])
def test_a_timed_out_run_is_aborted_and_the_next_is_exact(
    case: Case, microseconds: int, stalls: str, tmp_path: Path
):
    done, result = case.run(
        tmp_path / "r.json",
        f"+timeout_us={microseconds}",
        "+expect_status=TIMEOUT",
        "+retry",
        f"+stalls={stalls}",
    )
    assert done.returncode == 0, done.stdout
    assert result["runs"][0]["status"] == "TIMEOUT"


def test_watchdog_ends_a_run_without_progress(case: Case, tmp_path: Path):
    # Memory answers after 20 cycles; nothing else can move before the header is there.
    done, result = case.run(
        tmp_path / "r.json", "+watchdog=10", "+expect_status=WATCHDOG", "+retry"
    )
    assert done.returncode == 0, done.stdout
    assert [run["status"] for run in result["runs"]] == ["WATCHDOG", *["OK"] * RUNS]


@pytest.fixture
def copied(case: Case, tmp_path: Path) -> Path:
    folder = tmp_path / "vectors"
    shutil.copytree(case.vectors, folder)
    return folder


@pytest.mark.parametrize("index", range(5))
def test_bench_sees_one_wrong_bit_in_any_layer(
    case: Case, copied: Path, index: int, tmp_path: Path
):
    lines = (copied / "tensors.txt").read_text("utf-8").splitlines()
    name, _, offset, *_ = [line for line in lines if not line.startswith("#")][index].split()
    expected = bytearray((copied / "expected.bin").read_bytes())
    # The second run's tensor, its first word: lane 0 is a pixel in every tensor.
    expected[len(expected) // RUNS + int(offset)] ^= 1
    (copied / "expected.bin").write_bytes(expected)
    done, result = case.run(tmp_path / "r.json", vectors=copied)
    assert done.returncode != 0
    assert f"MISMATCH layer={name} run=1 image=0 h=0 w=0 c=0 " in done.stdout
    assert not result["passed"] and result["mismatches"] == 1
    assert [t["mismatches"] for t in result["tensors"]] == [int(i == index) for i in range(5)]


def strays(output: str) -> list[tuple[int, int, int, str]]:
    """The bench's lines about bytes that nobody may write: (run, offset, bytes, where)."""
    found = re.findall(r"^STRAY run=(\d+) offset=(\d+) bytes=(\d+) (.+)$", output, re.MULTILINE)
    return [(int(run), int(offset), int(count), where) for run, offset, count, where in found]


def test_bench_sees_a_channel_more_than_a_tensor_has(case: Case, copied: Path, tmp_path: Path):
    # The dense layer with an eleventh unit: every byte of every tensor is as expected.
    graph = _network(np.random.default_rng(7))
    *others, dense = graph.compute_nodes
    assert isinstance(dense, Dense) and dense.bias is not None
    wider = replace(
        dense,
        output=replace(dense.output, channels=11),
        weights=np.pad(dense.weights, ((0, 0), (0, 1)), constant_values=3),
        bias=np.append(dense.bias, 7),
    )
    program = compile_graph(replace(graph, nodes=(*others, wider)), HW, BATCH).program
    header = decode_header(program)
    assert (
        header["arena_bytes"] == decode_header((copied / "program.bin").read_bytes())["arena_bytes"]
    ), "there is no gap behind the output"
    (copied / "program.bin").write_bytes(program)
    done, result = case.run(tmp_path / "r.json", vectors=copied)
    assert done.returncode != 0 and result["status"] == "OK" and not result["passed"]
    assert all(tensor["mismatches"] == 0 for tensor in result["tensors"])
    # A byte of a word may by chance be what was there before.
    word = header["output_offset"] + 10 * HW.word_bytes
    found = strays(done.stdout)
    assert {run for run, *_ in found} == set(range(RUNS))
    for _, offset, count, where in found:
        assert word <= offset and offset + count <= word + HW.word_bytes
        assert where == "behind layer=dense"
    assert result["mismatches"] == sum(count for _, _, count, _ in found)
    assert [run["stray_bytes"] for run in result["runs"]] == [
        sum(count for run, _, count, _ in found if run == index) for index in range(RUNS)
    ]


def test_bench_sees_an_input_that_is_overwritten(case: Case, copied: Path, tmp_path: Path):
    data = (copied / "program.bin").read_bytes()
    header, descriptors = decode_program(data)
    descriptors[-1]["output_offset"] = header["input_offset"]
    streams = data[HEADER_BYTES + len(descriptors) * DESCRIPTOR_BYTES :]
    (copied / "program.bin").write_bytes(encode_program(header, descriptors, streams))
    done, result = case.run(tmp_path / "r.json", vectors=copied)
    assert done.returncode != 0 and not result["passed"]
    found = strays(done.stdout)
    assert found and {where for *_, where in found} == {"in the input"}
    last = header["input_offset"] + 10 * HW.word_bytes
    assert all(header["input_offset"] <= begin < begin + n <= last for _, begin, n, _ in found)
    # What the dense layer should have written is missing as well.
    assert [tensor["mismatches"] > 0 for tensor in result["tensors"]] == [False] * 4 + [True]


@pytest.mark.parametrize(
    "plusargs", [(), ("+inject_axi_error=output:7", "+expect_status=AXI_WRITE")]
)
def test_bench_sees_writes_to_what_is_no_tensor_however_a_run_ends(
    case: Case, copied: Path, plusargs: tuple[str, ...], tmp_path: Path
):
    lines = (copied / "tensors.txt").read_text("utf-8").splitlines()
    head, first, *rest = lines
    assert first.startswith("conv ")
    (copied / "tensors.txt").write_text("\n".join([head, *rest]) + "\n", encoding="utf-8")
    done, result = case.run(tmp_path / "r.json", *plusargs, vectors=copied)
    assert done.returncode != 0 and not result["passed"]
    assert result["status"] == ("AXI_WRITE" if plusargs else "OK")
    assert result["runs"][0]["stray_bytes"] == result["runs"][0]["mismatches"] > 0
    found = strays(done.stdout)
    assert int(first.split()[2]) == found[0][1]
    assert {where for *_, where in found} == {"in front of all layers"}


@pytest.mark.parametrize("change", [1, -1, "a run more"])
@pytest.mark.parametrize("name", ["inputs.bin", "expected.bin"])
def test_bench_refuses_files_that_are_not_of_whole_runs(
    case: Case, copied: Path, name: str, change: int | str, tmp_path: Path
):
    data = (copied / name).read_bytes()
    if change == "a run more":
        data += data[: len(data) // RUNS]
    else:
        data = data + b"\0" if change == 1 else data[:-1]
    (copied / name).write_bytes(data)
    done, result = case.run(tmp_path / "r.json", vectors=copied)
    assert done.returncode != 0 and result == {}
    # An input more is one that nothing is expected of.
    refused = "expected.bin" if change == "a run more" else name
    assert re.search(rf"^ERROR .*/{refused} has \d+ bytes, \d runs of ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", ["program.bin", "inputs.bin", "expected.bin", "tensors.txt"])
def test_bench_fails_without_a_file_or_with_an_empty_one(
    case: Case, copied: Path, name: str, tmp_path: Path
):
    (copied / name).write_bytes(b"")
    assert case.run(tmp_path / "r.json", vectors=copied)[0].returncode != 0
    (copied / name).unlink()
    assert case.run(tmp_path / "r.json", vectors=copied)[0].returncode != 0


@pytest.mark.parametrize(
    "plusarg",
    [
        "+stalls=medium",
        "+batches=99",
        "+batches=many",
        "+inject_axi_error=registers:1",
        "+corrupt_program=999999999",
        "+expect_status=AXI_WRITE",
        "+hang_cycles=5",
    ],
)
def test_bench_does_not_pass_with_an_option_it_cannot_meet(
    case: Case, plusarg: str, tmp_path: Path
):
    assert case.run(tmp_path / "r.json", plusarg)[0].returncode != 0


def test_a_hang_dumps_registers_and_ports(case: Case, tmp_path: Path):
    # 15 cycles without a handshake are no hang, but the memory needs 20 for an answer.
    done, result = case.run(tmp_path / "r.json", "+hang_cycles=15")
    assert done.returncode != 0 and result["status"] == "HANG"
    for text in ("HANG cycle=", "  pixels:  ar ", "  STATUS=0x", "  DEBUG_STATE=0x"):
        assert text in done.stdout


# ---------------------------------------------------------------------------- events in mid-run

SLOW = "40,63,20000,40000,64,127"
PORTS = ("program", "pixels", "output")


@pytest.mark.parametrize("place", [0, 350, 990, 1100])
@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("abort", "ABORTED"),
        ("reset", "RESET"),
        ("axi_error", "AXI_WRITE"),
    ],
)
def test_a_run_that_ends_early_has_its_status_and_the_next_is_exact(
    case: Case, event: str, status: str, place: int, tmp_path: Path
):
    ports = [f"+{port}_traffic={SLOW}" for port in PORTS]
    done, result = case.run(
        tmp_path / "r.json",
        *ports,
        f"+event={event}",
        f"+event_at={place}",
        "+event_port=output",
        "+error_response=DECERR",
        "+irq_spread=63",
        "+wake_chance=300",
    )
    assert done.returncode == 0, done.stdout
    seen = result["event"]
    statuses = [run["status"] for run in result["runs"]]
    if place > 900 and not seen["fired"]:
        # Stalls are random: this run was shorter than the one before it.
        assert seen["status"] == "OK" and statuses == ["OK", "OK"]
        return
    assert seen["fired"] and seen["status"] == status and statuses == ["OK", status, "OK"]
    assert result["runs"][2]["mismatches"] == 0
    if event == "abort":
        # What was on its way has come: some hundred cycles, not none and not thousands.
        assert 20 < seen["answer_cycles"] < 20000
    if event == "axi_error":
        assert result["runs"][1]["error_info"] == 3


def test_a_short_timeout_ends_a_run_once(case: Case, tmp_path: Path):
    done, result = case.run(tmp_path / "r.json", "+event=timeout", "+event_at=300")
    assert done.returncode == 0, done.stdout
    assert [run["status"] for run in result["runs"]] == ["OK", "TIMEOUT", "OK"]


def test_an_event_that_is_answered_late_fails(case: Case, tmp_path: Path):
    done, result = case.run(tmp_path / "r.json", "+event=abort", "+event_bound=20")
    assert done.returncode != 0 and result["status"] == "EVENT" and not result["passed"]
    assert "20 are legal" in done.stdout


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("+event=abbort", "bad option +event=abbort"),
        ("+event_port=input", "port 'input': program, pixels, residual or output"),
        ("+pixels_traffic=1,2,3", "traffic 1,2,3: six numbers"),
        ("+pixels_traffic=0,0,0,0,0,0", "six numbers"),
        ("+pixels_traffic=20,0,0,0,0,0x", "six numbers"),
        ("+irq_latency=5000", "+irq_latency=5000: 0 to 4095"),
        ("+error_response=OKAY", "SLVERR or DECERR"),
        ("+error_beats=some", "all, first or last"),
    ],
)
def test_wrong_traffic_is_refused(case: Case, argument: str, told: str, tmp_path: Path):
    done, _ = case.run(tmp_path / "r.json", argument)
    assert done.returncode != 0 and told in done.stdout + done.stderr


def test_an_event_needs_a_run_before_it(case: Case, tmp_path: Path):
    for run in (0, RUNS):
        done, _ = case.run(tmp_path / "r.json", "+event=abort", f"+event_run={run}")
        assert done.returncode != 0 and f"+event_run={run}, legal is 1 to {RUNS - 1}" in done.stdout


def test_an_error_in_one_beat_is_enough(case: Case, tmp_path: Path):
    for beats in ("first", "last"):
        done, result = case.run(
            tmp_path / f"{beats}.json",
            "+event=axi_error",
            "+event_port=program",
            f"+error_beats={beats}",
        )
        assert done.returncode == 0, done.stdout
        assert result["event"]["status"] == "AXI_READ_PROGRAM"

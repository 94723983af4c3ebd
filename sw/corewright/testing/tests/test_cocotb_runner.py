# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The runner must never take a bench that failed, died or did nothing for one that passed."""

import multiprocessing
from pathlib import Path

import pytest

from corewright.flow import cocotb_bench
from corewright.testing import cocotb_runner
from corewright.testing.cocotb_runner import CocotbFailure, must_fail, run_cocotb, sources_of

BENCHES = Path(__file__).parent / "benches"
SOURCE = BENCHES / "cw_toggle.sv"


def run(case, *, sources=(SOURCE,), build_root=None, **options):
    return run_cocotb(
        "cw_toggle",
        options.pop("test_module", "tb_toggle"),
        list(sources),
        {"Width": 3},
        build_root,
        bench_folder=BENCHES,
        bench_options={"case": case},
        **options,
    )


def test_good_bench_passes_and_leaves_nothing():
    assert not run("good").exists()


def test_pins_are_what_cocotb_reads_and_writes():
    run("pins")


@pytest.mark.parametrize(
    ("case", "message"),
    [("wrong", "told to fail"), ("assertion", "NoFail_A"), ("exit", "left no results")],
)
def test_bad_ends_are_failures_with_a_command_that_repeats_them(case, message, tmp_path):
    with pytest.raises(CocotbFailure, match=message) as failure:
        run(case, build_root=tmp_path, seed=77)
    assert "COREWRIGHT_SEED=77 ./cw test" in str(failure.value)
    assert "test_bad_ends_are_failures_with_a_command_that_repeats_them" in str(failure.value)


def test_a_failed_assertion_says_what_it_compared():
    with pytest.raises(CocotbFailure, match=r"assert 1 == 2\b"):
        run("compares")


def test_a_bench_without_a_test_is_a_failure(tmp_path):
    with pytest.raises(CocotbFailure, match=r"no test ran|0 tests|left no results|No tests"):
        run("good", build_root=tmp_path, test_filter="matches_no_test_at_all")


def test_a_hanging_bench_is_a_failure(tmp_path):
    run("good")  # The limit is for the run; the model is in the cache from here on.
    with pytest.raises(CocotbFailure, match="no end after 3 s"):
        run("hang", build_root=tmp_path, timeout=3.0)


def test_a_warning_of_verilator_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("COREWRIGHT_CACHE", str(tmp_path))
    bad = tmp_path / "cw_toggle.sv"
    text = SOURCE.read_text(encoding="utf-8")
    bad.write_text(text.replace("data_o <= data_i", "data_o <= {data_i, data_i}"), encoding="utf-8")
    with pytest.raises(CocotbFailure, match="WIDTH"):
        run("good", sources=[bad])
    assert not list((tmp_path / "cocotb" / "models").glob("building-*"))


def test_seed_decides_what_random_gives(tmp_path, monkeypatch):
    texts = [
        (run("seed", build_root=tmp_path, seed=seed) / "seed.txt").read_text(encoding="utf-8")
        for seed in (5, 5, 6)
    ]
    assert texts[0] == texts[1] != texts[2]
    monkeypatch.setenv("COREWRIGHT_SEED", "5")
    assert (run("seed", build_root=tmp_path, seed=9) / "seed.txt").read_text("utf-8") == texts[0]


def drawn(build_root: Path) -> str:
    return (run("seed", build_root=build_root) / "seed.txt").read_text(encoding="utf-8")


def test_without_a_seed_a_run_is_that_of_the_tests_name(tmp_path, monkeypatch):
    monkeypatch.delenv("COREWRIGHT_SEED", raising=False)
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "a.py::test_a (call)")
    first = drawn(tmp_path)
    assert drawn(tmp_path) == first
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "a.py::test_b (call)")
    assert drawn(tmp_path) != first


def fails(case, folder, **options):
    options |= {"bench_folder": BENCHES, "bench_options": {"case": case}}
    return must_fail("cw_toggle", "tb_toggle", [SOURCE], {"Width": 3}, folder, **options)


def test_a_bug_is_looked_for_with_as_many_seeds_as_said(tmp_path, monkeypatch):
    monkeypatch.setenv("COREWRIGHT_SEED", "40")
    with pytest.raises(AssertionError, match=r"passed with each of the seeds 40, 41, 42\n"):
        fails("good", tmp_path, attempts=3)
    assert len(list(tmp_path.glob("*/run.log"))) == 3


def test_the_first_seed_that_finds_a_bug_is_the_last_that_is_tried(tmp_path, monkeypatch):
    monkeypatch.setenv("COREWRIGHT_SEED", "40")
    assert "COREWRIGHT_SEED=42 " in str(fails("wrong at 42", tmp_path, attempts=5))
    assert len(list(tmp_path.glob("*/run.log"))) == 3


def test_another_failure_than_the_one_that_is_looked_for_is_none(tmp_path):
    with pytest.raises(AssertionError, match="the failure is not 'NoFail_A', but"):
        fails("wrong", tmp_path, match="NoFail_A", attempts=3)
    assert "NoFail_A" in str(fails("assertion", tmp_path, match="NoFail_A"))


def test_a_model_that_cannot_be_built_is_no_bug_that_was_found(tmp_path):
    with pytest.raises(CocotbFailure, match=r"^building cw_toggle"):
        fails("good", tmp_path, extra_args=["--no-such-option"])


def test_racing_processes_build_a_model_once(tmp_path, monkeypatch):
    run("good")
    runtimes = cocotb_runner.cache_folder() / "runtimes"
    monkeypatch.setenv("COREWRIGHT_CACHE", str(tmp_path))
    # No model, but what all of them share and takes long to compile.
    cocotb_runner.cache_folder().mkdir()
    (cocotb_runner.cache_folder() / "runtimes").symlink_to(runtimes)
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        pool.map(run, ["good"] * 4)
    models = tmp_path / "cocotb" / "models"
    assert len(list(models.glob("cw_toggle-*"))) == 1
    assert not list(models.glob("building-*"))


def test_changed_source_is_another_model(tmp_path):
    changed = tmp_path / "cw_toggle.sv"
    changed.write_text(SOURCE.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    parts = {"toplevel": "cw_toggle"}
    key = cocotb_bench._key
    assert key(parts, [SOURCE]) != key(parts, [changed])
    assert key(parts, [SOURCE]) == key(dict(parts), [SOURCE])
    assert key(parts, [SOURCE]) != key({**parts, "parameters": {"Width": 2}}, [SOURCE])


def test_missing_source_and_bad_seed_are_named():
    with pytest.raises(ValueError, match=r"nowhere\.sv"):
        run("good", sources=[Path("nowhere.sv")])
    with pytest.raises(ValueError, match="seed 0"):
        run("good", seed=0)


def test_sources_come_from_the_core():
    names = [path.name for path in sources_of("corewright:prim_asic:ram_1r1w", "sim")]
    assert names == ["cw_ram_1r1w.sv", "cw_ram_1r1w_macro.sv"]
    with pytest.raises(ValueError, match="no core corewright:ip:missing"):
        sources_of("corewright:ip:missing")
    with pytest.raises(ValueError, match="no target nothing"):
        sources_of("corewright:ip:axis_fifo", "nothing")

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What ``bench.toml`` may say, and what is drawn from it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from corewright.environment import repository_root
from corewright.flow import FlowInputError
from corewright.flow.block_benches import RANDOM, all_block_benches, block_benches
from corewright.flow.random_configuration import RandomConfiguration, evaluate

BENCH = """
[[bench]]
top = "cw_axis_fifo"
module = "tb_axis_fifo"
core = "corewright:ip:axis_fifo"
tests = ["rtl/fifo.sv"]
options = { longest = 9 }
"""
RANDOMS = """
[bench.random]
parameters = { Rows = { min = 1, max = 12 }, Drain = [1, 2, 3], Bytes = "-(-Rows * 5 // 8)" }
options = { fast = "Rows > 4 and Drain != 2", longest = "20 if Drain == 1 else min(Rows, 5)" }
require = ["Rows % Drain == 0"]
"""


@pytest.fixture
def dv(tmp_path: Path) -> Path:
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "fifo.sv").touch()
    (tmp_path / "dv").mkdir()
    return tmp_path / "dv"


def declared(dv: Path, text: str) -> None:
    (dv / "bench.toml").write_text(text, encoding="utf-8")
    block_benches(dv)


def test_every_block_of_core_and_ip_answers_for_its_sources() -> None:
    root = repository_root()
    tested = {source for bench in all_block_benches() for source in bench.tests}
    # Packages and wirings without logic of their own; the accelerator is the systems' matter.
    exempt = {
        *("core/config/rtl/cw_pkg.sv", "core/config/rtl/cw_program_pkg.sv"),
        *("core/regs/rtl/cw_regs_pkg.sv", "core/accelerator/rtl/cw_accelerator.sv"),
        *("core/gen/rtl/cw_accelerator_configured.sv", "core/gen/rtl/cw_config_pkg.sv"),
    }
    found = {path for part in ("ip", "core") for path in root.glob(f"{part}/*/rtl/**/*.sv")}
    assert {path.relative_to(root).as_posix() for path in found - tested} == exempt


def test_names_of_benches_are_unique_and_their_sources_exist() -> None:
    benches = all_block_benches()
    assert len({bench.name for bench in benches}) == len(benches) > 20
    for bench in benches:
        assert (bench.folder / f"{bench.module}.py").is_file()
        assert bench.configurations


def test_configurations_give_parameters_that_the_top_has() -> None:
    for bench in all_block_benches():
        (top,) = (path for path in bench.sources if path.stem == bench.top)
        known = set(
            re.findall(r"^\s*parameter\s.*?(\w+)\s*=", top.read_text("utf-8"), re.MULTILINE)
        )
        given = {name for each in bench.configurations.values() for name in each.parameters}
        if bench.random is not None:
            given |= set(bench.random.parameters)
        assert given <= known, f"{bench.name}: {given - known}"


def test_a_folder_may_be_relative(dv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared(dv, BENCH)
    monkeypatch.chdir(dv.parent)
    assert block_benches(Path("dv"))[0].folder == dv.resolve()


def test_what_is_drawn_is_legal_and_reaches_both_ends(dv: Path) -> None:
    declared(dv, BENCH + RANDOMS)
    (bench,) = block_benches(dv)
    drawn = [bench.draw(np.random.default_rng([7, number])) for number in range(200)]
    assert drawn[3] == bench.draw(np.random.default_rng([7, 3]))
    for each in drawn:
        rows, drain = each.parameters["Rows"], each.parameters["Drain"]
        assert isinstance(rows, int) and isinstance(drain, int)
        assert each.name == RANDOM
        assert 1 <= rows <= 12 and drain in (1, 2, 3) and rows % drain == 0
        assert each.parameters["Bytes"] == (rows * 5 + 7) // 8
        assert each.options == {
            "fast": rows > 4 and drain != 2,
            "longest": 20 if drain == 1 else min(rows, 5),
        }
    rows_seen = [each.parameters["Rows"] for each in drawn]
    assert min(rows_seen) == 1 and max(rows_seen) == 12
    assert rows_seen.count(12) > 200 / 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameters = { A = 1 }\nranges = {}", "there is no 'ranges', legal are: parameters,"),
        ("options = {}", "has no parameters"),
        ("parameters = 3", "parameters is 3, legal is a table"),
        ("parameters = { A = { min = 1 } }", "legal is a range"),
        ("parameters = { A = { min = 4, max = 3 } }", "min that is not above max"),
        ("parameters = { A = { min = 1, max = true } }", "legal is a range"),
        ("parameters = { A = [] }", "A is an empty list"),
        ("parameters = { A = 1.5 }", "A is 1.5, legal are a range, a list, an expression"),
        ("parameters = { A = 'B + 1' }", "there is no B, known are: none"),
        ("parameters = { A = 1, B = 'A +' }", "is no expression"),
        ("parameters = { A = 1, B = 'A ** 2' }", "is not legal, legal are numbers"),
        ("parameters = { A = 1, B = 'open(A)' }", "is not legal"),
        ("parameters = { A = 1, B = '1 // 0' }", "by zero"),
        ("parameters = { A = 1 }\nrequire = 'A'", "require is 'A', legal is a list"),
        ("parameters = { A = 1 }\nrequire = [1]", "legal is a list of strings"),
        ("parameters = { A = 1 }\nrequire = ['A > 1']", "none of 1000 draws meets A > 1"),
    ],
)
def test_a_wrong_random_table_is_a_line_that_says_what_is_legal(
    text: str, message: str, dv: Path
) -> None:
    with pytest.raises(FlowInputError) as raised:
        declared(dv, f"{BENCH}[bench.random]\n{text}\n")
    assert message in str(raised.value)
    assert "bench 1, random" in str(raised.value) and "\n" not in str(raised.value)


def test_a_configuration_is_not_called_random(dv: Path) -> None:
    with pytest.raises(FlowInputError, match="may not be called 'random'"):
        declared(dv, f"{BENCH}[bench.configurations]\nrandom = {{}}\n")


def test_a_bench_without_a_random_table_draws_nothing(dv: Path) -> None:
    declared(dv, BENCH)
    (bench,) = block_benches(dv)
    with pytest.raises(FlowInputError, match="has no random configurations"):
        bench.draw(np.random.default_rng(1))


def test_expressions_are_those_of_python() -> None:
    names = {"a": 7, "b": 2}
    for text in (
        *("a // b * b + a % b - a", "-a // b", "1 < b < a", "1 < a < b", "a == 7 or c"),
        *("b == 1 and c", "not a", "max(a, b, 9)", "min(a, b)", "a if b >= 2 else c"),
        "b != 2 or a <= 7",
    ):
        assert evaluate(text, names) == eval(text, {}, names), text


def test_parameters_are_drawn_in_their_order() -> None:
    drawn = RandomConfiguration.parse("x", {"parameters": {"A": [3], "B": "A * 2", "C": "A + B"}})
    assert drawn.draw(np.random.default_rng(1)) == ({"A": 3, "B": 6, "C": 9}, {})

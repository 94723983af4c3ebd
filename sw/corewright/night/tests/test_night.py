# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Nights of quick parts: killed, limited, compared, kept; and the plan that is shipped."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corewright.cli.main import check_command, main
from corewright.cli.nightly import accepts_farm
from corewright.environment import repository_root
from corewright.flow import FlowInputError
from corewright.night import Night, Part, Plan, night_page, on_farm, read_plan, run_night
from corewright.night.results import command_of_test, shown
from corewright.night.state import State, alone, load_state
from corewright.regress.testplan import Plan as BlockPlan
from corewright.regress.testplan import PlanPoint
from corewright.regress.tests.test_report import parsed
from corewright.testing.processes import ends

# Stands for the command line: notes that it ran, then does what its first word says.
PROGRAM = """
import json, os, signal, sys, time
what, *words = sys.argv[1:]
with open(os.environ["RAN"], "a") as file:
    file.write(" ".join([what, *words[:1]]) + "\\n")
def regression(rate, signatures):
    buckets = [{"signature": s, "count": 2, "detail": "d", "command": "again",
                "id": "random-1-" + s, "shrink": None if s == "tool" else "shrink"}
               for s in signatures]
    values = {"suite": "random", "cases": 10,
              "passed": 10 - 2 * len(buckets), "failed": 2 * len(buckets),
              "errors": 0, "not_run": 0, "processor_seconds": 600 / rate, "compile_share": 0.5,
              "simulated_cycles": 1000, "buckets": buckets,
              "coverage": {"line": None, "functional": 0.5,
                           "bins": {"size": {"1": 3, "<2>": 0}}}}
    with open(words[1], "w") as file:
        json.dump(values, file)
    sys.exit(bool(buckets))
if "--shrink" in words:
    options = dict(zip(words[1::2], words[2::2]))
    if "hard" not in options["--shrink"]:
        sizes = {"before": {"layers": 9}, "after": {"layers": 1}}
        with open(options["--json"], "w") as file:
            json.dump({"file": options["--out"], "command": "again, <small>", "ended_by": "x",
                       "reproduced": True, **sizes}, file)
    sys.exit(1)
if what == "regress":
    regression(float(os.environ.get("RATE", 60)), os.environ.get("BAD", "").split())
if what == "junit":
    with open(words[0], "w") as file:
        file.write("<testsuites><testsuite><testcase classname='a.b' name='good' time='1'/>"
                   "<testcase classname='a.b' name='bad[&lt;]'><failure message='no &lt;'/>"
                   "</testcase><testcase classname='a.b' name='left'>"
                   "<skipped message='needs iverilog'/></testcase></testsuite></testsuites>")
    sys.exit(1)
if what == "sleep":
    with open(os.environ["RAN"] + ".pid", "w") as file:
        file.write(str(os.getpid()))
    time.sleep(float(os.environ.get("SLEEP", 0)))
if what == "heard":
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
if what == "fail":
    print("the last line <of the log>")
    sys.exit(3)
"""
REGRESSION = Part("random", "random cases", ("regress", "{seed}", "{json}"), 5)
SLEEP = Part("sleep", "sleeps", ("sleep",), 5)
FAIL = Part("fail", "fails", ("fail",), 5)
TESTS = Part("tests", "tests", ("junit", "{junit}"), 5)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A night of two parts that pass."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    return Night(
        plan=Plan((REGRESSION, SLEEP), keep=3),
        folder=tmp_path / "nights",
        command=(sys.executable, "-S", "-E", str(program)),
        environment={**os.environ, "RAN": str(tmp_path / "ran")},
        working_folder=tmp_path,
        provenance={"commit": "abc", "date": "2026-11-27T00:00:00+00:00", "python": "3.11"},
    )


def ran(night: Night) -> list[str]:
    """What ran since this was asked, without its seeds."""
    path = Path(night.environment["RAN"])
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [line.split()[0] for line in lines]


def with_parts(night: Night, *parts: Part, **changes: Any) -> Night:
    return replace(night, plan=replace(night.plan, parts=parts), **changes)


def with_variables(night: Night, **variables: str) -> Night:
    return replace(night, environment={**night.environment, **variables})


# ------------------------------------------------------------------------------------ one night


def test_a_night_runs_all_parts_and_reports(night: Night) -> None:
    night = with_parts(night, replace(REGRESSION, pieces=3), SLEEP)
    report = run_night(night)
    assert ran(night) == ["regress"] * 3 + ["sleep"]
    assert report["passed"] and report["over"] and not report["not_run"]
    assert report["last_night"] is None and not report["new_failures"] and not report["fixed"]
    random, sleep = report["parts"]
    assert (random["status"], random["pieces"], random["cases"]) == ("passed", 3, 30)
    assert random["rate"] == 60 and random["compile_share"] == 0.5
    assert random["simulated_cycles"] == 3000
    assert random["coverage"]["bins"] == {"size": {"1": 9, "<2>": 0}}
    assert random["coverage"]["functional"] == 0.5
    # Each piece has a seed of its own.
    seeds = [int(command.split()[2]) for command in random["commands"]]
    assert seeds == [report["seed"] + number for number in range(3)]
    assert sleep["status"] == "passed" and "rate" not in sleep
    folder = night.folder / report["night"]
    assert json.loads((folder / "report.json").read_text()) == report
    page = (folder / "report.html").read_text()
    text = "\n".join(parsed(page).text)
    assert "passed: 2 of 2 parts ran" in text and "this is the first night" in text


def test_failures_of_every_kind_are_named_with_a_command(night: Night) -> None:
    night = with_parts(with_variables(night, BAD="a<b c"), REGRESSION, FAIL, TESTS)
    report = run_night(night)
    assert not report["passed"]
    found = {(p["name"], f["key"]): f["command"] for p in report["parts"] for f in p["failures"]}
    assert set(found) == {
        *(("random", "a<b"), ("random", "c"), ("fail", "exit status")),
        ("tests", "a.b::bad[<]"),
    }
    assert found["random", "c"] == "again" and found["fail", "exit status"] == shown(["fail"])
    tests = report["parts"][2]
    assert (tests["tests"], tests["tests_passed"]) == (2, 1)
    assert tests["not_run"] == {"a.b::left": "needs iverilog"}
    page = night_page(report, [])
    text = "\n".join(parsed(page).text)
    for part in ("failed: random, fail, tests", "the last line <of the log>", "needs iverilog"):
        assert part in text, part
    assert page.index("Failures") < page.index("Parts")


def test_new_failures_of_a_regression_are_made_small(night: Night) -> None:
    night = with_parts(night, replace(REGRESSION, command=("regress", "random", "{json}")))
    first = run_night(with_variables(night, BAD="tool a hard b c"))
    assert ran(night) == ["regress"] * 4
    found = {failure["key"]: failure.get("shrunk") for failure in first["parts"][0]["failures"]}
    # Three of those that can be; what cannot be has no command for it.
    assert {key for key, shrunk in found.items() if shrunk} == {"a", "hard", "b"}
    file = night.folder / first["night"] / "random-shrunk-1.json"
    assert found["a"]["file"] == str(file) and "file" not in found["hard"]
    page = (night.folder / first["night"] / "report.html").read_text()
    text = "\n".join(parsed(page).text)
    assert f"Made small, 9 to 1 layers: {file}" in text and "again, <small>" in text
    assert "It was not made small" in text
    # What failed last night, too, is known.
    second = run_night(with_variables(night, BAD="a d"))
    assert ran(night) == ["regress"] * 2
    known, new = second["parts"][0]["failures"]
    assert "shrunk" not in known and "command" in new["shrunk"]


def test_shrinking_goes_on_where_a_killed_night_was(night: Night) -> None:
    night = with_parts(night, replace(REGRESSION, command=("regress", "random", "{json}")))
    night = with_variables(night, BAD="a b")

    def interrupt(line: str) -> None:
        if line == "random: shrinking random-1-b":
            raise KeyboardInterrupt

    assert run_night(replace(night, say=interrupt))["interrupted"]
    assert ran(night) == ["regress"] * 2
    report = run_night(night)
    assert ran(night) == ["regress"]
    assert all("command" in each["shrunk"] for each in report["parts"][0]["failures"])


def test_shrinking_takes_no_time_that_a_night_has_not(night: Night) -> None:
    now = [0.0]

    def pass_time(line: str) -> None:
        now[0] += 3600 if line.startswith("random 1/1: running") else 0

    night = with_parts(night, replace(REGRESSION, command=("regress", "random", "{json}")))
    night = with_variables(night, BAD="a")
    report = run_night(replace(night, hours=1, say=pass_time, clock=lambda: now[0]))
    assert "shrunk" not in report["parts"][0]["failures"][0]


def test_parts_that_can_run_on_a_farm_do(night: Night) -> None:
    covering = Part("covering", "coverage", ("regress", "x", "--coverage"), 5)
    plan = on_farm(
        Plan((REGRESSION, covering, SLEEP), 3), "local:2", lambda words: words[0] == "regress"
    )
    assert [part.command[-2:] == ("--farm", "local:2") for part in plan.parts] == [
        *(True, False, False),
    ]
    report = run_night(replace(night, plan=plan, farm="local:2"))
    assert report["farm"] == "local:2"
    assert [part["farm"] for part in report["parts"]] == [True, False, False]
    assert "On the farm local:2: random; here: covering, sleep." in night_page(report, [])


def test_the_shipped_parts_that_run_on_a_farm() -> None:
    plan = read_plan(repository_root() / "regressions" / "nightly.toml", check_command)
    there = {
        part.name
        for part in on_farm(plan, "slurm:4", accepts_farm(check_command)).parts
        if "--farm" in part.command
    }
    assert there == {"system", "graphs", "blocks", "proofs"}


def test_a_wrong_farm_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["nightly", "--farm", "near", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "--farm is 'near', legal is ADDRESS" in error and error.count("\n") == 1
    assert not out.exists()


def test_a_night_says_which_testpoints_passed(night: Night) -> None:
    points = (
        PlanPoint("good", "V1", "d", ("a/b.py::good", "suite:random:size:1")),
        PlanPoint("bad", "V2", "d", ("a/b.py::bad",)),
        PlanPoint("left", "V2", "d", ("a/b.py::left", "suite:random:size:<2>")),
        PlanPoint("hole", "V3", "d", ()),
    )
    tests = replace(TESTS, command=("junit", "{junit}"))
    regression = replace(REGRESSION, command=("regress", "random", "{json}"))
    night = with_parts(night, regression, tests, test_plans=(BlockPlan("core/x", points),))
    report = run_night(night)
    assert report["testpoints"] == [
        {
            "block": "core/x",
            "stage": "V2",
            "testpoints": 4,
            "holes": 1,
            "passed": 1,
            "not_run": 2,
            "failed": ["bad"],
        }
    ]
    text = "\n".join(parsed(night_page(report, [])).text)
    assert "Testpoints: 2 of 4 ran, 1 failed, 1 holes" in text and "core/x: bad" in text


def test_a_test_is_repeated_by_itself() -> None:
    words = ["test", "-m", "nightly"]
    module = "sw.corewright.night.tests.test_night"
    path = "sw/corewright/night/tests/test_night.py"
    assert command_of_test(f"{module}::test_x[a b]", words) == (
        f"./cw test -m '' '{path}::test_x[a b]'"
    )
    assert command_of_test("other.module::test_x", words) == "./cw test -m nightly"


def test_a_part_is_stopped_at_its_limit_with_all_that_it_started(night: Night) -> None:
    slow = replace(SLEEP, minutes=0.02)
    night = with_parts(with_variables(night, SLEEP="600"), slow, REGRESSION)
    report = run_night(night)
    assert [part["status"] for part in report["parts"]] == ["stopped", "passed"]
    # Nobody waited for the end of its sleep.
    assert report["passed"] and report["parts"][0]["seconds"] < 600
    pid = Path(night.environment["RAN"] + ".pid")
    if pid.exists():
        assert ends(int(pid.read_text()))
    assert "the rest: 1 of 1 runs, stopped" in night_page(report, [])


@pytest.mark.parametrize("ignored", [False, True])
def test_parts_hear_that_they_are_stopped_also_in_the_background(
    night: Night, ignored: bool
) -> None:
    handler = signal.SIG_IGN if ignored else signal.default_int_handler
    before = signal.signal(signal.SIGINT, handler)
    try:
        report = run_night(with_parts(night, Part("heard", "hears", ("heard",), 5)))
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert report["passed"]
    (log,) = (night.folder / report["night"]).rglob("*.log")
    assert log.read_text() == "True\n"


# ------------------------------------------------------------------------------------ many nights


def test_a_night_is_compared_with_the_last(night: Night) -> None:
    first = run_night(with_variables(night, BAD="a b", RATE="60"))
    assert [entry["key"] for entry in first["new_failures"]] == ["a", "b"]
    second = run_night(with_variables(night, BAD="b c", RATE="30"))
    assert second["last_night"] == first["night"]
    assert second["new_failures"] == [{"part": "random", "key": "c"}]
    assert second["fixed"] == [{"part": "random", "key": "a"}]
    compared = second["parts"][0]["compared"]
    assert (compared["night"], compared["rate"]) == (first["night"], 60.0)
    assert second["parts"][0]["rate"] == 30.0
    # A part that ran last some nights ago is compared with that night.
    run_night(with_parts(night, SLEEP))
    fourth = run_night(with_variables(night, BAD="c"))
    assert fourth["parts"][0]["compared"]["night"] == second["night"]
    assert fourth["fixed"] == [{"part": "random", "key": "b"}] and not fourth["new_failures"]
    history = load_state(night.folder).history
    assert [(run["failed"], run["rate"]) for run in history if run["suite"] == "random"] == [
        *((4, 60.0), (4, 30.0), (2, 60.0)),
    ]
    text = "\n".join(parsed((night.folder / fourth["night"] / "report.html").read_text()).text)
    assert "Fixed: 1" in text and "New failures: 0" in text


def test_an_interrupted_night_goes_on_where_it_was(night: Night) -> None:
    night = with_parts(night, replace(REGRESSION, pieces=4), SLEEP)

    def interrupt(line: str) -> None:
        if line.startswith("random 3/4: running"):
            raise KeyboardInterrupt

    report = run_night(replace(night, say=interrupt))
    assert report["interrupted"] and not report["over"]
    assert report["parts"][0]["status"] == "unfinished" and report["not_run"] == ["sleep"]
    assert ran(night) == ["regress"] * 2
    again = run_night(night)
    assert again["resumed"] and again["over"] and again["passed"]
    assert ran(night) == ["regress"] * 2 + ["sleep"]
    assert (again["night"], again["seed"]) == (report["night"], report["seed"])
    assert again["parts"][0]["cases"] == 40
    # It is not compared with itself.
    assert again["parts"][0]["compared"] is None
    assert not run_night(night)["resumed"]


def test_a_killed_night_goes_on_where_it_was(night: Night, tmp_path: Path) -> None:
    night = with_parts(night, REGRESSION, SLEEP, FAIL)
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from corewright.night import Night, Part, Plan, run_night\n"
        f"parts = tuple(Part(*entry) for entry in {[_plain(p) for p in night.plan.parts]!r})\n"
        f"run_night(Night(Plan(parts, 3), Path({str(night.folder)!r}), {night.command!r}, "
        f"{ {**night.environment, 'SLEEP': '600'}!r}, Path('.'), {night.provenance!r}))\n"
    )
    sources = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-P", str(driver)], env=sources)
    pid = Path(night.environment["RAN"] + ".pid")
    while process.poll() is None and not (pid.exists() and pid.read_text()):
        time.sleep(0.02)
    process.kill()
    process.wait()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert ran(night) == ["regress", "sleep"]
    report = run_night(night)
    assert report["resumed"] and [part["status"] for part in report["parts"]] == [
        *("passed", "passed", "failed"),
    ]
    assert ran(night) == ["sleep", "fail"]


def _plain(part: Part) -> tuple[Any, ...]:
    return (part.name, part.about, part.command, part.minutes, part.pieces)


@pytest.mark.parametrize("commit", ["def", "abc+", None])
def test_a_night_of_other_sources_does_not_go_on(night: Night, commit: str | None) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("sleep 1/1: running"):
            raise KeyboardInterrupt

    first = run_night(replace(night, say=interrupt))
    ran(night)
    second = run_night(replace(night, provenance={**night.provenance, "commit": commit}))
    assert not second["resumed"] and second["night"] != first["night"]
    assert ran(night) == ["regress", "sleep"]
    assert load_state(night.folder).nights == [first["night"], second["night"]]


def test_hours_take_the_stalest_parts_and_list_the_others(night: Night) -> None:
    now = [0.0]

    def pass_time(line: str) -> None:
        # Each part takes 40 minutes.
        if ": running" in line:
            now[0] += 2400

    parts = [replace(SLEEP, name=name, minutes=100) for name in "abcd"]
    night = with_parts(night, *parts, hours=1, say=pass_time, clock=lambda: now[0])
    reports = [run_night(night) for _ in range(3)]
    begun = [[p["name"] for p in report["parts"] if p["pieces"]] for report in reports]
    assert begun == [["a", "b"], ["c", "d"], ["a", "b"]]
    assert reports[0]["not_run"] == ["c", "d"] and reports[0]["over"] and reports[0]["passed"]
    page = night_page(reports[0], [])
    assert "Did not run: 2" in page and "no time was left" in page


def test_so_many_nights_are_kept(night: Night) -> None:
    night = with_parts(night, SLEEP)
    (night.folder / "notes").mkdir(parents=True)
    names = [run_night(night)["night"] for _ in range(5)]
    kept = sorted(path.name for path in night.folder.iterdir() if path.is_dir())
    assert kept == sorted([*names[-3:], "notes"])
    state = load_state(night.folder)
    assert state.nights == names[-3:] and len(state.history) == 5


def test_two_nights_do_not_share_a_folder(night: Night) -> None:
    with alone(night.folder), pytest.raises(FlowInputError, match="a night runs there already"):
        run_night(night)
    assert ran(night) == []


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 7}', '{"version": 1}', '{"version": 1, "night": {}}']
)
def test_a_damaged_state_is_one_line(text: str, night: Night) -> None:
    night.folder.mkdir()
    (night.folder / "state.json").write_text(text)
    with pytest.raises(FlowInputError, match=r"state\.json: .*may be removed"):
        run_night(night)


def test_a_state_that_names_other_folders_removes_none(night: Night, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    night.folder.mkdir()
    State(nights=["../mine", *"abcd"]).save(night.folder)
    run_night(with_parts(night, SLEEP))
    assert (tmp_path / "mine").is_dir()


# ------------------------------------------------------------------------------------ the plan

GOOD = """
keep = 2
[[part]]
name = "a"
about = "shows a"
command = ["regress", "graphs", "--seed", "{seed}", "--json", "{json}"]
minutes = 1.5
pieces = 2
"""


def test_a_plan_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(GOOD)
    plan = read_plan(path, check_command)
    (part,) = plan.parts
    assert (plan.keep, part.name, part.minutes, part.pieces) == (2, "a", 1.5, 2)
    files = {"json": Path("x.json"), "junit": Path(), "html": Path()}
    assert part.words(9, files) == ["regress", "graphs", "--seed", "9", "--json", "x.json"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("keep = 2", "", "keep is None, legal is an integer 1.."),
        ("keep = 2", "keep = 0", "keep is 0, legal is an integer 1.."),
        ("keep = 2", "keep = 2\nx = 1", "x is unknown, legal are keep and part"),
        ("keep = 2", "keep = ", "Invalid value"),
        (GOOD[GOOD.index("[[") :], "", "there is no part"),
        ('"a"', '"a b"', "name of a part is 'a b', legal are"),
        ('about = "shows a"', "", "part 'a': about is None, legal is a sentence"),
        ("minutes = 1.5", "minutes = 0", "minutes is 0, legal is above 0"),
        ("minutes = 1.5", "", "minutes is None, legal is above 0"),
        ("pieces = 2", "pieces = true", "pieces is True, legal is an integer 1..1000"),
        ("pieces = 2", "part = 2", "part unknown, legal are name, about, command"),
        ('"{seed}"', '"3"', "pieces is 2, legal is 1 for a command without {seed}"),
        ("{json}", "{xml}", "{xml} is unknown, legal are {json}, {junit}, {html}, {seed}"),
        ('["regress", ', "[1, ", "legal is a list of words"),
        ('"graphs"', '"graph"', "part 'a': there is no suite 'graph'"),
        ('"--json"', '"--farce"', "part 'a': no command line: unrecognized arguments: --farce"),
        ('"regress", "graphs"', '"dance"', "no command line: argument COMMAND: invalid choice"),
        ('"regress", "graphs"', '"nightly"', "'nightly' is the night itself"),
        ('"regress", "graphs"', '"bench", "none"', "no command line"),
        (GOOD, GOOD + GOOD[GOOD.index("[[") :], "part 'a' is there twice"),
    ],
)
def test_a_wrong_plan_is_one_line_with_what_is_legal(
    old: str, new: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    assert main(["nightly", "--plan", str(path), "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert f"{path}: " in line and message in line
    assert not (tmp_path / "out").exists()


def test_a_benchmark_of_the_plan_has_to_exist() -> None:
    with pytest.raises(FlowInputError, match="there is no benchmark 'none', legal are: "):
        check_command(["bench", "none"])


def test_the_plan_that_is_shipped_is_legal_and_has_what_a_night_is() -> None:
    plan = read_plan(repository_root() / "regressions" / "nightly.toml", check_command)
    commands = [part.command[:2] for part in plan.parts]
    for wanted in (("regress", "graphs"), ("regress", "system"), ("bench", "zoo")):
        assert wanted in commands
    assert any("nightly" in part.command for part in plan.parts)
    assert sum(part.minutes for part in plan.parts) <= 12 * 60


def test_the_command_runs_real_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, files = tmp_path / "plan.toml", (tmp_path / "n.json", tmp_path / "n.html")
    quick = GOOD.replace('"--json"', '"--cases", "2", "--jobs", "1", "--json"')
    path.write_text(quick.replace("pieces = 2", "pieces = 1"))
    words = ["nightly", "--plan", str(path), "--out", str(tmp_path / "out")]
    assert main([*words, "--json", str(files[0]), "--html", str(files[1])]) == 0
    captured = capsys.readouterr()
    assert "a: passed, 1 of 1 runs" in captured.out and "the first night" in captured.out
    assert "a 1/1: running" in captured.err
    report = json.loads(files[0].read_text())
    assert report["passed"] and report["parts"][0]["cases"] == 2
    assert report["provenance"]["python"] and report["parts"][0]["coverage"]["functional"] > 0
    parsed(files[1].read_text())


@pytest.mark.nightly
def test_a_bug_is_made_small_at_night(night: Night, tmp_path: Path) -> None:
    """A wrong bit in the emulator: the command line as it is, with a suite that has it."""
    program = tmp_path / "wrong.py"
    program.write_text(
        "import sys\n"
        "from corewright.cli import main\n"
        "from corewright.regress import all_suites\n"
        "from corewright.regress.tests.faults import WRONG_EMULATOR\n"
        "all_suites()['graphs'] = WRONG_EMULATOR\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(main(sys.argv[1:]))\n"
    )
    words = ("regress", "graphs", "--cases", "3", "--seed", "{seed}", "--jobs", "1")
    part = Part("graphs", "a bug", (*words, "--database", "none", "--json", "{json}"), 30)
    night = with_parts(
        with_variables(night, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        part,
        command=(sys.executable, "-P", str(program)),
        working_folder=repository_root(),
    )
    report = run_night(night)
    failures = report["parts"][0]["failures"]
    assert failures and all(failure["key"].startswith("mismatch") for failure in failures)
    for failure in failures[:3]:
        shrunk = failure["shrunk"]
        assert shrunk["reproduced"] and shrunk["ended_by"] == "nothing smaller fails"
        assert shrunk["after"]["layers"] == 1 and Path(shrunk["file"]).is_file()
        # The command of the report, with that command line in the place of this one.
        again = [*night.command, *shlex.split(shrunk["command"])[1:]]
        done = subprocess.run(
            again,
            env=dict(night.environment),
            cwd=repository_root(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1 and failure["key"] in done.stdout

"""Many machines: real scheduler and worker processes; some are killed, one has another suite."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder.classroom import grade_class
from autograder.cluster import cluster_graders
from autograder.course import Course
from autograder.errors import UserError
from autograder.graders import local_graders
from autograder.report import Report
from autograder.sandbox import Mechanism

pytestmark = pytest.mark.slow

Start = Callable[..., "subprocess.Popen[str]"]
SCHEDULER = ("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
WORKER = ("-c", "from autograder.cli import main; main()", "worker")
SLOW = "def row_means(X):\n    import time\n    time.sleep(0.3)\n    return X.mean(axis=1)"
STUDENTS = 12


@pytest.fixture
def start(mechanism: Mechanism, tmp_path: Path) -> Iterator[Start]:
    """Start programs that end with the test; each writes to a file, and is waited for there."""
    running: list[subprocess.Popen[str]] = []

    def run(*command: str, cwd: Path, until: str) -> subprocess.Popen[str]:
        log = tmp_path / f"log{len(running)}"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=cwd, stdout=file, stderr=file, text=True
            )
        running.append(process)
        patience = time.monotonic() + 100
        while until not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < patience, log.read_text()
            time.sleep(0.1)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(start: Start, tmp_path: Path) -> str:
    """The address of a scheduler."""
    file = tmp_path / "scheduler.json"
    options = ("--no-dashboard", "--scheduler-file", str(file))
    start(*SCHEDULER, *options, cwd=tmp_path, until="Scheduler at")
    while not file.is_file():
        time.sleep(0.1)
    return str(json.loads(file.read_text())["address"])


@pytest.fixture
def whole_class(built_root: Path, handin: Any) -> Path:
    """Hand-ins that take a while, so that a worker can be killed in the middle."""
    wrong = handin(row_means="def row_means(X):\n    return X.sum(axis=1)")
    contents = [handin(row_means=SLOW), wrong, b"no notebook"]
    for number in range(STUDENTS):
        folder = built_root / "submitted" / f"student{number:02}" / "t1"
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(contents[number % len(contents)])
    (built_root / ".autograder-secret").write_text("00" * 32)
    return built_root


def clone(root: Path, to: Path) -> Path:
    """Return what a worker has of a course: no hand-ins, no gradebook, no secret."""
    to.mkdir()
    shutil.copy(root / "nbgrader_config.py", to)
    shutil.copytree(root / "assignments", to / "assignments")
    return to


def found(root: Path) -> dict[str, Any]:
    """Return the reports of a class, but for the seconds."""
    reports = {}
    for path in root.glob("reports/*/t1/mean.json"):
        report = Report.from_json(path.read_text(encoding="utf-8"))
        checks = [(c.name, c.outcome, c.points, c.message, c.hint) for c in report.checks]
        reports[report.student] = (report.points, report.problem, checks, report.grader)
    return reports


def grade(root: Path, graders: Any, **options: Any) -> int:
    course = Course(root)
    return grade_class(course, course.assignment("t1"), graders, **options).graded


def test_a_cluster_finds_the_same_even_when_a_worker_is_killed(
    start: Start, scheduler: str, whole_class: Path, mechanism: Mechanism, tmp_path: Path
) -> None:
    alone = Path(shutil.copytree(whole_class, tmp_path / "alone"))
    grade(alone, local_graders(Course(alone), mechanism))

    lines = (*WORKER, scheduler, "--jobs", "1")
    workers = [
        start(*lines, cwd=clone(whole_class, tmp_path / f"worker{i}"), until="Grading for")
        for i in range(2)
    ]
    done: list[int] = []

    def kill_one(report: Report, number: int, total: int) -> None:
        done.append(number)
        if number == 2:
            workers[0].kill()

    assert grade(whole_class, cluster_graders(scheduler), progress=kill_one) == STUDENTS
    assert done == list(range(1, STUDENTS + 1))
    assert found(whole_class) == found(alone)
    assert workers[0].wait(10) != 0
    assert workers[1].poll() is None
    # What stands is not asked of anybody: no worker is needed for it.
    assert grade(whole_class, cluster_graders("tcp://127.0.0.1:9")) == 0


def test_a_worker_that_loses_a_grading_process_ends_and_loses_no_hand_in(
    start: Start, scheduler: str, whole_class: Path, tmp_path: Path
) -> None:
    lines = (*WORKER, scheduler, "--jobs", "1")
    workers = [
        start(*lines, cwd=clone(whole_class, tmp_path / f"worker{i}"), until="Grading for")
        for i in range(2)
    ]

    def kill_a_grading_process(report: Report, number: int, total: int) -> None:
        if number == 2:
            helper, *_ = (
                child
                for child in psutil.Process(workers[0].pid).children()
                if "forkserver" in " ".join(child.cmdline())
            )
            for process in helper.children():
                process.kill()

    graders = cluster_graders(scheduler)
    assert grade(whole_class, graders, progress=kill_a_grading_process) == STUDENTS
    assert len(found(whole_class)) == STUDENTS
    assert workers[0].wait(60) == 2
    assert "A grading process ended unexpectedly" in (tmp_path / "log1").read_text()


def test_a_worker_with_another_suite_grades_nothing(
    start: Start, scheduler: str, whole_class: Path, tmp_path: Path
) -> None:
    other = clone(whole_class, tmp_path / "other")
    checks = other / "assignments" / "t1" / "mean" / "checks.py"
    checks.write_text(checks.read_text() + "\n# One line more.\n")
    start(*WORKER, scheduler, cwd=other, until="Grading for")
    with pytest.raises(UserError, match=r"t1/mean on .* is another suite than here"):
        grade(whole_class, cluster_graders(scheduler))
    assert found(whole_class) == {}


def test_a_cluster_that_is_not_there_is_told(whole_class: Path) -> None:
    with pytest.raises(UserError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:9"):
        grade(whole_class, cluster_graders("tcp://127.0.0.1:9"))
    with pytest.raises(UserError, match="No dask scheduler answers at nonsense"):
        grade(whole_class, cluster_graders("nonsense"))


def test_without_a_worker_nobody_waits_for_ever(
    scheduler: str, whole_class: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.cluster.WORKER_SECONDS", 0.5)
    with pytest.raises(UserError, match="has no worker; start some with `autograder worker"):
        grade(whole_class, cluster_graders(scheduler))


def test_a_worker_whose_scheduler_is_not_there_says_so(
    mechanism: Mechanism, whole_class: Path
) -> None:
    done = subprocess.run(
        [sys.executable, *WORKER, "tcp://127.0.0.1:9"],
        cwd=whole_class,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "autograder: No dask scheduler answers at tcp://127.0.0.1:9"
    )
    assert "Traceback" not in done.stderr

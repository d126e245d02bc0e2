"""However often a run is cut off, the same command ends with what an undisturbed run gives."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from nbgrader.api import Gradebook

from autograder.classroom import grade_class
from autograder.course import Course
from autograder.graders import local_graders
from autograder.sandbox import Mechanism

KILLS = 50
STUDENTS = 24
COMMAND = "from autograder.cli import main; main(['grade', 't1', '--jobs', '1'])"


@pytest.fixture
def whole_class(built_root: Path, handin: Any) -> Path:
    """A class of cheap hand-ins, right, wrong, blank and no notebooks at all."""
    wrong = handin(row_means="def row_means(X):\n    return X.sum(axis=1)")
    contents = [handin(), wrong, b"no notebook", handin(question_why="")]
    for number in range(STUDENTS):
        folder = built_root / "submitted" / f"student{number:02}" / "t1"
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(contents[number % len(contents)])
    (built_root / ".autograder-secret").write_text("00" * 32)
    return built_root


def grade(root: Path, mechanism: Mechanism) -> int:
    course = Course(root)
    return grade_class(course, course.assignment("t1"), local_graders(course, mechanism, 1)).graded


def state(root: Path) -> dict[str, Any]:
    """Return everything that a run leaves, but for the seconds it took."""
    found: dict[str, Any] = {}
    folders = (root / name for name in ("autograded", "feedback", "reports"))
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.is_file():
            text = re.sub(r"Graded in [\d.]+ s", "Graded", path.read_text(encoding="utf-8"))
            name = str(path.relative_to(root))
            found[name] = without_seconds(text) if name.startswith("reports") else text
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        for submission in book.assignment_submissions("t1"):
            for notebook in submission.notebooks:
                for given in notebook.grades:
                    key = f"{submission.student.id} {given.cell.name}"
                    found[key] = (given.auto_score, given.needs_manual_grade)
    return found


def without_seconds(text: str) -> Any:
    content = json.loads(text)
    for part in (content, *content["checks"]):
        del part["seconds"]
    return content


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_killed_at_fifty_random_moments_ends_as_an_undisturbed_one(
    whole_class: Path, tmp_path: Path, mechanism: Mechanism
) -> None:
    undisturbed = Path(shutil.copytree(whole_class, tmp_path / "undisturbed"))
    grade(undisturbed, mechanism)
    moments = np.random.default_rng(231)
    # Forked, so that a try costs no start. Helpers end when who started them is gone.
    context = multiprocessing.get_context("fork")
    kills = 0
    while kills < KILLS:
        process = context.Process(target=_session, args=(whole_class, mechanism))
        process.start()
        process.join(moments.uniform(0.0, 2.5))
        if process.is_alive():
            kills += 1
            process.kill()
            process.join()
        elif len(list(whole_class.glob("reports/*/t1/mean.json"))) == STUDENTS:
            shutil.rmtree(whole_class / "reports")  # all done before the fifty: again from there
    grade(whole_class, mechanism)
    assert state(whole_class) == state(undisturbed)
    assert grade(whole_class, mechanism) == 0
    assert not list(whole_class.rglob("*.part"))


def test_nothing_of_a_killed_run_lives_on(whole_class: Path, mechanism: Mechanism) -> None:
    """Neither the processes of the pool nor their sandboxes, which wait for work."""
    with subprocess.Popen([sys.executable, "-c", COMMAND], cwd=whole_class) as grader:
        deadline = time.monotonic() + 60
        while not list(whole_class.glob("reports/*/t1/mean.json")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        family = psutil.Process(grader.pid).children(recursive=True)
        assert len(family) > 2
        grader.kill()
    assert not psutil.wait_procs(family, timeout=10)[1]


def _session(root: Path, mechanism: Mechanism) -> None:
    """Grade in a forked process, which must not take the parent's helper processes for its own."""
    forkserver._forkserver.__init__()  # type: ignore[misc]
    resource_tracker._resource_tracker.__init__()  # type: ignore[misc]
    grade(root, mechanism)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, which only root can make."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount") or "mount"
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64m", "tmpfs", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run([shutil.which("umount") or "umount", "-l", place], check=True)


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    whole_class: Path, small_disk: Path, tmp_path: Path, mechanism: Mechanism
) -> None:
    undisturbed = Path(shutil.copytree(whole_class, tmp_path / "undisturbed"))
    grade(undisturbed, mechanism)
    root = Path(shutil.copytree(whole_class, small_disk / "course"))
    left = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        file.write(bytes(left - 300_000))  # room for some hand-ins, not for all
    start = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND], cwd=root, capture_output=True, text=True, check=False
    )
    assert time.monotonic() - start < 200
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "No space left" in ended.stderr or "disk is full" in ended.stderr
    filler.unlink()
    grade(root, mechanism)
    assert state(root) == state(undisturbed)

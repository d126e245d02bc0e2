"""A gradebook in a real PostgreSQL, which the test starts; nbgrader's own commands read it too."""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.classroom import grade_class
from autograder.course import Course
from autograder.errors import UserError
from autograder.graders import local_graders
from autograder.sandbox import Mechanism

pytestmark = pytest.mark.slow
POINTS = {"ada": 9, "bob": 2, "carl": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A database server for these tests; gives the URL of an empty database.

    It listens on a socket in a folder of its own, not on the network.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed")
    # The server refuses to run as root; Debian's package makes a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has at most 107 bytes
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)

    def run(name: str, *arguments: str) -> list[str]:
        return [str(programs[-1] / name), *arguments]

    data = str(folder / "data")
    flags = ("-U", "me", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale", "-D", data)
    subprocess.run(run("initdb", *flags), user=user, cwd=folder, check=True, capture_output=True)
    options = ("-D", data, "-k", str(folder), "-c", "listen_addresses=", "-F")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            run("postgres", *options), user=user, cwd=folder, stdout=log, stderr=log
        )
    try:
        ready = run("pg_isready", "-h", str(folder))
        patience = time.monotonic() + 60
        while subprocess.run(ready, capture_output=True).returncode != 0:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < patience, (folder / "log").read_text()
            time.sleep(0.1)
        make = run("createdb", "-h", str(folder), "-U", "me", "gradebook")
        subprocess.run(make, check=True, capture_output=True)
        yield f"postgresql+psycopg://me@/gradebook?host={folder}"
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def scores(url: str) -> dict[str, float]:
    with Gradebook(url) as book:
        return {s.student.id: s.score for s in book.assignment_submissions("t1")}


def test_the_gradebook_may_be_in_postgresql(
    server: str, built_root: Path, handin: Any, mechanism: Mechanism
) -> None:
    wrong = handin(row_means="def row_means(X):\n    return X.sum(axis=1)")
    contents = {"ada": handin(), "bob": wrong, "carl": b"no notebook"}
    for student, content in contents.items():
        folder = built_root / "submitted" / student / "t1"
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(content)

    def grade(**options: Any) -> int:
        course = Course(built_root)
        graders = local_graders(course, mechanism)
        return grade_class(course, course.assignment("t1"), graders, db=server, **options).graded

    (built_root / "gradebook.db").unlink()  # of the build
    assert grade() == 3
    assert not (built_root / "gradebook.db").exists()
    assert scores(server) == POINTS

    with Gradebook(server) as book:
        given = book.find_grade("question_why", "mean", "t1", "ada")
        given.manual_score, given.needs_manual_grade = 1.5, False
        book.db.commit()
    assert grade() == 0
    assert grade(again=True) == 3
    assert scores(server) == {**POINTS, "ada": 10.5}

    scripts = sysconfig.get_path("scripts")
    environment = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nbgrader", "export", "--db", server]
    subprocess.run(command, cwd=built_root, env=environment, check=True, capture_output=True)
    with (built_root / "grades.csv").open(encoding="utf-8") as lines:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(lines)}
    assert exported == {**POINTS, "ada": 10.5}


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://me@127.0.0.1:9/gradebook", "nonsense", "nosuch://me@host/db"]
)
def test_a_database_that_is_not_there_is_told(
    url: str, built_root: Path, handin: Any, mechanism: Mechanism
) -> None:
    folder = built_root / "submitted" / "ada" / "t1"
    folder.mkdir(parents=True)
    (folder / "mean.ipynb").write_bytes(handin())
    course = Course(built_root)
    with pytest.raises(UserError, match=r"gradebook .* cannot be written"):
        grade_class(course, course.assignment("t1"), local_graders(course, mechanism), db=url)

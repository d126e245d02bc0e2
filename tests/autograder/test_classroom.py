"""A class goes in; reports, gradebook, graded notebooks and feedback come out."""

from __future__ import annotations

import csv
import datetime
import gc
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from autograder.build import build
from autograder.build.release import course_directory
from autograder.classroom import ClassResult, _timestamp, find_handins, grade_class
from autograder.course import Course
from autograder.errors import UserError
from autograder.gradebook import GradebookWriter
from autograder.graders import local_graders
from autograder.report import Report
from autograder.sandbox import Mechanism

Grade = Callable[..., ClassResult]
HOSTILE = "eve <b>&\"'; --"
POINTS = {
    "ada": 9,
    "bob": 2,
    "carl": 0,
    "dora": 0,
    HOSTILE: 5,
    "fritz": 0,
    "gil": 0,
    "hal": 0,
    "ivy": 9,
    "名前": 4,
}


CHANGED = """def rows_are_centred(student, rng):
    \"\"\"Rows are centred.\"\"\"
    from autograder import require
    require(False, "nobody passes")


def was_rows_are_centred(student, rng):"""


def put(root: Path, student: str, content: bytes, name: str = "mean.ipynb") -> Path:
    folder = root / "submitted" / student / "t1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def class_once(built_once: Path, once: Any, handin: Any) -> Path:
    """The tiny course with a class of hand-ins of every kind; not to be written to."""

    def make(root: Path) -> None:
        shutil.copytree(built_once, root)
        hand_in(root, handin)

    return Path(once("class", make))


def hand_in(root: Path, handin: Any) -> None:
    """Put the class's hand-ins into ``submitted/``."""
    put(root, "ada", handin())
    put(root, "bob", handin(row_means="def row_means(X):\n    return X.sum(axis=1)"))
    put(root, "carl", b"PK\x03\x04 a word processor's file")
    stub = "raise NotImplementedError('not yet')"
    blank = {"row_means": f"def row_means(X):\n    {stub}", "centre": stub, "question_why": ""}
    put(root, "dora", handin(**blank))
    evil = (
        "def centre(X):\n    print('</pre><script>alert(1)</script>\\x1b[31m')\n"
        "    raise ValueError('<img src=x onerror=alert(1)>\\u202e')"
    )
    put(root, HOSTILE, handin(centre=evil, question_why="<script>alert(2)</script>"))
    put(root, "fritz", handin(row_means="def row_means(X):\n    while True: pass"))
    (root / "submitted" / "gil" / "t1" / "mean.ipynb").mkdir(parents=True)
    folder = root / "submitted" / "hal" / "t1"
    folder.mkdir(parents=True)
    (folder / "mean.ipynb").symlink_to(root / "gradebook.db")
    cells = handin.cells()
    for cell in cells:
        cell["metadata"]["tags"] = ["skip-execution"]
        cell["metadata"].setdefault("nbgrader", {}).update(schema_version=99, points=500)
    put(root, "ivy", handin.file([*cells, cells[2]]))
    put(
        root,
        "名前",
        handin(
            row_means="import os\ndef row_means(X):\n    os._exit(7)",
            centre=("def centre(X):\n    return X - X.mean(axis=1, keepdims=True)"),
        ),
    )
    put(root, "jan", handin(), "Mean (1).ipynb")
    (put(root, "ada", b"notes", "notes.txt") / "timestamp.txt").write_text(
        "2027-02-01 12:00:00 UTC"
    )
    (root / "submitted" / "kim" / "t2").mkdir(parents=True)
    (root / "submitted" / "README").write_text("not a student")


@pytest.fixture(scope="session")
def graded_once(class_once: Path, mechanism: Mechanism, once: Any) -> tuple[Path, ClassResult]:
    """The class, graded once; not to be written to."""

    def make(root: Path) -> None:
        shutil.copytree(class_once, root, symlinks=True)
        result = run(root, mechanism)
        root.with_suffix(".pickle").write_bytes(pickle.dumps(result))

    root = Path(once("graded", make))
    return root, pickle.loads(root.with_suffix(".pickle").read_bytes())  # noqa: S301 - our own


@pytest.fixture
def graded_root(graded_once: tuple[Path, ClassResult], tmp_path: Path) -> Path:
    return Path(shutil.copytree(graded_once[0], tmp_path / "course", symlinks=True))


def run(root: Path, mechanism: Mechanism, **options: Any) -> ClassResult:
    course = Course(root)
    graders = local_graders(course, mechanism, options.pop("jobs", 2))
    return grade_class(course, course.assignment("t1"), graders, **options)


def reports(root: Path) -> dict[str, Report]:
    return {
        path.parts[-3]: Report.from_json(path.read_text(encoding="utf-8"))
        for path in root.glob("reports/*/t1/mean.json")
    }


def files(root: Path, *folders: str) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes())
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


def without_seconds(text: bytes) -> Any:
    content = json.loads(text)
    for part in (content, *content["checks"]):
        del part["seconds"]
    return content


def test_everybody_gets_a_report_whatever_they_handed_in(
    graded_once: tuple[Path, ClassResult],
) -> None:
    root, result = graded_once
    found = reports(root)
    assert {name: report.points for name, report in found.items()} == POINTS
    assert [r.student for r in result.reports] == sorted(POINTS)
    assert result.graded == len(POINTS)
    assert result.strays == ("jan/t1/Mean (1).ipynb",)
    assert found["bob"].checks[0].misconception == "sums_instead"
    assert "not JSON" in (found["carl"].problem or "")
    assert "no regular file" in (found["gil"].problem or "")
    assert "no regular file" in (found["hal"].problem or "")
    assert {c.outcome for c in found["fritz"].checks} == {"timeout"}
    assert found["ivy"].notes[0].startswith("The cell check_row_means is there more than once")
    assert not any(c.outcome == "could_not_run" for r in found.values() for c in r.checks)


def test_everything_is_written_where_it_belongs_and_nothing_else(
    graded_once: tuple[Path, ClassResult],
) -> None:
    root, _ = graded_once
    for folder, suffix in (("autograded", "ipynb"), ("feedback", "html"), ("reports", "json")):
        found = {
            str(p.relative_to(root / folder)) for p in (root / folder).rglob("*") if p.is_file()
        }
        assert found == {f"{student}/t1/mean.{suffix}" for student in POINTS}
    known = {"assignments", "source", "release", "submitted", "autograded", "feedback", "reports"}
    known |= {"gradebook.db", "nbgrader_config.py", ".autograder-secret"}
    assert {path.name for path in root.iterdir()} == known
    for path in (root / "autograded").rglob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))


def test_students_files_hold_no_secret_and_no_script(
    graded_once: tuple[Path, ClassResult],
) -> None:
    root, _ = graded_once
    for path in [*(root / "feedback").rglob("*.html"), *(root / "autograded").rglob("*.ipynb")]:
        text = path.read_text(encoding="utf-8")
        for secret in ("total = X.sum(axis=1)", "oracle.row_means", "rng.normal", "halve(x)"):
            assert secret not in text, path
        assert all(c in "\n\t" or c.isprintable() for c in text), path
        if path.suffix == ".html":
            assert "<script" not in text
            assert "<img" not in text


def test_the_gradebook_has_the_same_scores(graded_once: tuple[Path, ClassResult]) -> None:
    root, result = graded_once
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        for report in result.reports:
            submission = book.find_submission("t1", report.student)
            assert submission.score == report.points == POINTS[report.student]
            assert submission.max_score == 11
            answered = report.questions[0].answered
            assert bool(submission.needs_manual_grade) == answered
        assert book.find_submission("t1", "ada").total_seconds_late == 12 * 3600 + 60
        assert book.find_submission("t1", "bob").timestamp is None
        assert {s.id for s in book.students} == set(POINTS)


def test_the_formgrader_shows_the_same_scores(
    graded_once: tuple[Path, ClassResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = graded_once
    api = NbGraderAPI(course_directory(root))
    shown = {s["student"]: s for s in api.get_submissions("t1") if s["autograded"]}
    assert {name: s["score"] for name, s in shown.items()} == {
        k: float(v) for k, v in POINTS.items()
    }
    assert shown["ada"]["max_score"] == 11
    (notebook,) = api.get_notebook_submissions("t1", "mean")[:1]
    assert notebook["name"] == "mean"


def nbgrader(root: Path, *arguments: str) -> str:
    """Run nbgrader's own command in a course."""
    environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_nbgraders_own_commands_give_the_same(graded_root: Path) -> None:
    nbgrader(graded_root, "export")
    with (graded_root / "grades.csv").open(encoding="utf-8") as lines:
        rows = {row["student_id"]: row for row in csv.DictReader(lines)}
    assert {name: float(rows[name]["score"]) for name in ("ada", "bob", "ivy")} == {
        "ada": 9.0,
        "bob": 2.0,
        "ivy": 9.0,
    }
    with Gradebook(f"sqlite:///{graded_root / 'gradebook.db'}") as book:
        grade = book.find_grade("question_why", "mean", "t1", "ada")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()
    before = (graded_root / "feedback" / "bob" / "t1" / "mean.html").read_text()
    nbgrader(graded_root, "generate_feedback", "t1", "--force")
    assert (graded_root / "feedback" / "bob" / "t1" / "mean.html").read_text() == before
    assert "1.5 / 2" in (graded_root / "feedback" / "ada" / "t1" / "mean.html").read_text()
    pages = {path.parts[-3] for path in graded_root.glob("feedback/*/t1/mean.html")}
    assert pages == set(POINTS)


def test_nbgraders_autograde_gives_the_same_scores(
    class_once: Path, graded_once: tuple[Path, ClassResult], tmp_path: Path
) -> None:
    """Hand-in by hand-in, whatever they are; and what a person gave stays."""
    root = Path(shutil.copytree(class_once, tmp_path / "course", symlinks=True))
    shutil.copy(graded_once[0] / ".autograder-secret", root)
    # nbgrader grades the others, but ends with an error, where a student has no notebook of ours.
    shutil.rmtree(root / "submitted" / "jan")
    nbgrader(root, "autograde", "t1")
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        assert {s.id: book.find_submission("t1", s.id).score for s in book.students} == POINTS
        assert book.find_submission("t1", "ada").total_seconds_late == 12 * 3600 + 60
        grade = book.find_grade("check_row_means", "mean", "t1", "bob")
        grade.manual_score, grade.needs_manual_grade = 4.0, False
        book.db.commit()
    ours, theirs = reports(graded_once[0]), reports(root)
    for student, report in theirs.items():
        assert [c.message for c in report.checks] == [c.message for c in ours[student].checks]
        shown = json.loads((root / "autograded" / student / "t1" / "mean.ipynb").read_text())
        own = graded_once[0] / "autograded" / student / "t1" / "mean.ipynb"
        assert shown == json.loads(own.read_text())
    nbgrader(root, "autograde", "t1", "--force", "--student=bob")
    nbgrader(root, "generate_feedback", "t1")
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        assert book.find_submission("t1", "bob").score == 4.0
    page = (root / "feedback" / "bob" / "t1" / "mean.html").read_text()
    assert "Traceback (most" not in page


def test_lateness_costs_what_the_plugin_says(
    class_once: Path, mechanism: Mechanism, tmp_path: Path
) -> None:
    """By either command: here all points, by nbgrader's own plugin."""
    scores = []
    for command in ("theirs", "ours"):
        root = Path(shutil.copytree(class_once, tmp_path / command, symlinks=True))
        with (root / "nbgrader_config.py").open("a") as config:
            config.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
        if command == "ours":
            run(root, mechanism, students=["ada", "ivy"])
        else:
            nbgrader(root, "autograde", "t1", "--student=ada")
            nbgrader(root, "autograde", "t1", "--student=ivy")
        with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
            found = {name: book.find_submission("t1", name) for name in ("ada", "ivy")}
            scores.append({n: (s.score, s.late_submission_penalty) for n, s in found.items()})
    assert scores == [{"ada": (9.0, 9.0), "ivy": (9.0, 0.0)}] * 2


def test_a_second_run_grades_nothing_and_writes_no_report(
    graded_root: Path, mechanism: Mechanism
) -> None:
    before = files(graded_root, "reports", "feedback", "autograded")
    told: list[tuple[str, int, int]] = []
    result = run(graded_root, mechanism, progress=lambda r, n, m: told.append((r.student, n, m)))
    assert result.graded == 0
    assert {r.student: r.points for r in result.reports} == POINTS
    assert files(graded_root, "reports", "feedback", "autograded") == before
    assert [(n, m) for _, n, m in told] == [(i + 1, len(POINTS)) for i in range(len(POINTS))]


def test_reports_are_not_kept_until_a_students_last_one(
    mechanism: Mechanism, make: Any, handin: Any
) -> None:
    """Of one exercise all stand, and everybody waits for the other."""
    check = """
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
            require(student.f(1) == 1, "not 1")
        """
    f = {"f": "def f(x):\n    return x"}
    first = make(f, check, "", name="one")
    second = make(f, check, "", name="two", beside=first)
    course = Course(first.folder.parents[2])
    (assignment,) = course.assignments.values()
    build(course, course.select(None))
    students = [f"student{number:02}" for number in range(12)]
    for name in students:
        folder = course.root / "submitted" / name / assignment.name
        folder.mkdir(parents=True)
        for exercise in (first, second):
            (folder / f"{exercise.name}.ipynb").write_bytes(handin.of(exercise))

    def grade() -> tuple[int, int]:
        alive = []

        def count(report: Report, done: int, total: int) -> None:
            alive.append(sum(isinstance(o, Report) for o in gc.get_objects()) - before)

        gc.collect()
        before = sum(isinstance(o, Report) for o in gc.get_objects())
        graders = local_graders(course, mechanism, 2)
        graded = grade_class(course, assignment, graders, progress=count).graded
        return graded, max(alive)

    assert grade()[0] == 24
    for path in course.root.glob("reports/*/*/two.json"):
        path.unlink()
    graded, alive = grade()
    assert graded == 12
    assert alive < 8
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as book:
        for name in students:
            assert book.find_submission(assignment.name, name).score == 2


def test_one_who_hangs_holds_up_one_process_alone(
    built_root: Path, mechanism: Mechanism, handin: Any
) -> None:
    put(built_root, "aaron", handin(row_means="def row_means(X):\n    while True: pass"))
    others = [f"student{number}" for number in range(6)]
    for name in others:
        put(built_root, name, handin())
    told: list[str] = []
    run(built_root, mechanism, progress=lambda report, n, m: told.append(report.student))
    assert sorted(told) == ["aaron", *others]
    assert told.index("aaron") >= 3  # the other process went on while this one waited
    assert [c.outcome for c in reports(built_root)["aaron"].checks] == ["timeout"] * 4


def test_only_what_changed_is_graded_again(
    graded_root: Path, mechanism: Mechanism, handin: Any
) -> None:
    put(graded_root, "bob", handin())
    put(graded_root, "zoe", handin())
    result = run(graded_root, mechanism)
    assert result.graded == 2
    assert reports(graded_root)["bob"].points == 9
    with Gradebook(f"sqlite:///{graded_root / 'gradebook.db'}") as book:
        assert book.find_submission("t1", "bob").score == 9
        assert book.find_submission("t1", "zoe").score == 9


def test_named_students_alone_are_graded_and_again_where_asked(
    graded_root: Path, mechanism: Mechanism
) -> None:
    before = files(graded_root, "reports")
    result = run(graded_root, mechanism, students=["ada", "ivy"], again=True)
    assert (result.graded, [r.student for r in result.reports]) == (2, ["ada", "ivy"])
    after = files(graded_root, "reports")
    changed = {name for name in before if before[name][0] != after[name][0]}
    assert changed == {"reports/ada/t1/mean.json", "reports/ivy/t1/mean.json"}
    for name in changed:
        assert without_seconds(before[name][1]) == without_seconds(after[name][1])
    with pytest.raises(UserError, match="No hand-in of t1 by nobody, zoe in"):
        run(graded_root, mechanism, students=["zoe", "ada", "nobody"])


def test_a_suite_that_changed_grades_everybody_again(
    graded_root: Path, mechanism: Mechanism
) -> None:
    checks = graded_root / "assignments" / "t1" / "mean" / "checks.py"
    checks.write_text(checks.read_text().replace("size=(5, 7)", "size=(6, 7)"))
    for student in set(POINTS) - {"ada", "bob"}:
        shutil.rmtree(graded_root / "submitted" / student)
    assert run(graded_root, mechanism).graded == 2
    assert run(graded_root, mechanism).graded == 0


def test_one_check_is_run_again_for_everybody(graded_root: Path, mechanism: Mechanism) -> None:
    """Its author changed it: that check alone runs, and all else stands."""
    before = reports(graded_root)
    path = graded_root / "assignments" / "t1" / "mean" / "checks.py"
    text = path.read_text()
    path.write_text(text.replace("def rows_are_centred(student, rng):", CHANGED))
    put(graded_root, "new", (graded_root / "submitted/ada/t1/mean.ipynb").read_bytes())
    course = Course(graded_root)
    checks = course.checks(["t1/mean:rows_are_centred"])
    result = run(graded_root, mechanism, only=checks["t1"])
    assert result.graded == len(before) + 1
    for report in result.reports:
        assert report.grader["suite"] == course.select("t1/mean")[0].suite
        if report.student == "new":
            assert len(report.checks) == 4
            continue
        for check in report.checks:
            (earlier,) = (c for c in before[report.student].checks if c.name == check.name)
            if check.name != "rows_are_centred":
                assert check == earlier
            elif not report.problem:
                assert (check.outcome, check.message) == ("failed", "nobody passes")
    with Gradebook(f"sqlite:///{graded_root / 'gradebook.db'}") as book:
        assert book.find_submission("t1", "ada").score == 9 - 4
    assert run(graded_root, mechanism).graded == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rows_are_centred", "named EXERCISE:CHECK"),
        ("t1:rows_are_centred", "named EXERCISE:CHECK"),
        ("t1/mean:rows", "has no check 'rows'; it has: "),
        ("t1/meen:rows_are_centred", "no exercise"),
    ],
)
def test_a_check_that_is_not_there_is_told(unbuilt_root: Path, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Course(unbuilt_root).checks([name])


def test_reports_that_cannot_stand_are_made_again(graded_root: Path, mechanism: Mechanism) -> None:
    def path(student: str) -> Path:
        return graded_root / "reports" / student / "t1" / "mean.json"

    right = files(graded_root, "reports")
    path("ada").write_text("{")
    path("bob").unlink()
    path("ivy").write_text(path("ivy").read_text().replace('"version": "', '"version": "0.'))
    lost = json.loads(path("carl").read_text())
    lost["checks"][0]["outcome"] = "could_not_run"
    path("carl").write_text(json.dumps(lost))
    assert run(graded_root, mechanism).graded == 4
    for name, (_, content) in files(graded_root, "reports").items():
        assert without_seconds(content) == without_seconds(right[name][1])


def test_a_lost_gradebook_is_made_again_from_the_reports(
    graded_root: Path, mechanism: Mechanism
) -> None:
    (graded_root / "gradebook.db").unlink()
    assert run(graded_root, mechanism).graded == 0
    with Gradebook(f"sqlite:///{graded_root / 'gradebook.db'}") as book:
        assert {s.student.id: s.score for s in book.assignment_submissions("t1")} == POINTS


def test_a_killed_run_goes_on_and_ends_with_the_same(
    graded_once: tuple[Path, ClassResult], class_once: Path, tmp_path: Path, mechanism: Mechanism
) -> None:
    root = Path(shutil.copytree(class_once, tmp_path / "course", symlinks=True))
    right, _ = graded_once
    shutil.copy(right / ".autograder-secret", root)  # the same inputs
    shutil.rmtree(root / "submitted" / "fritz")  # who takes seconds
    everybody = set(POINTS) - {"fritz"}
    script = "from autograder.cli import main; main(['grade', 't1', '--jobs', '1'])"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(list(root.glob("reports/*/t1/mean.json"))) < 3 and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = len(list(root.glob("reports/*/t1/mean.json")))
    assert 3 <= done < len(everybody)
    result = run(root, mechanism)
    assert result.graded == len(everybody) - done
    ours, theirs = files(root, "reports"), files(right, "reports")
    assert set(ours) == {name for name in theirs if "fritz" not in name}
    for name, (_, content) in ours.items():
        assert without_seconds(content) == without_seconds(theirs[name][1])
    books = []
    for place in (root, right):
        with Gradebook(f"sqlite:///{place / 'gradebook.db'}") as book:
            books.append(
                {
                    (s.student.id, g.cell.name): (g.auto_score, g.needs_manual_grade)
                    for s in book.assignment_submissions("t1")
                    if s.student.id in everybody
                    for n in s.notebooks
                    for g in n.grades
                }
            )
    assert books[0] == books[1]
    assert not list(root.rglob(".*.json.*"))


def test_a_manual_score_survives_a_regrade(graded_root: Path, mechanism: Mechanism) -> None:
    with Gradebook(f"sqlite:///{graded_root / 'gradebook.db'}") as book:
        for name, score in (("question_why", 1.5), ("check_row_means", 4.0)):
            grade = book.find_grade(name, "mean", "t1", "bob")
            grade.manual_score, grade.needs_manual_grade = score, False
        comment = book.find_comment("question_why", "mean", "t1", "bob")
        comment.manual_comment = "Nearly <there>."
        book.db.commit()
    run(graded_root, mechanism, students=["bob"], again=True)
    with Gradebook(f"sqlite:///{graded_root / 'gradebook.db'}") as book:
        submission = book.find_submission("t1", "bob")
        assert submission.score == 1.5 + 4.0
        assert not submission.needs_manual_grade
        comment = book.find_comment("question_why", "mean", "t1", "bob")
        assert comment.manual_comment == "Nearly <there>."
    assert (
        "Nearly &lt;there&gt;."
        in (graded_root / "feedback" / "bob" / "t1" / "mean.html").read_text()
    )


@pytest.mark.parametrize(
    ("stamp", "known", "remarks"),
    [
        (b"", False, 0),
        (b"yesterday", False, 1),
        (b"99999-01-01", False, 1),
        (b"\x00", False, 1),
        (b"\xff\xfe", False, 1),
        (b"2027-01-30 08:00:00", True, 0),
        (b"2027-01-30 08:00:00 UTC\n", True, 0),
    ],
)
def test_a_timestamp_is_read_or_remarked_on(
    unbuilt_root: Path, stamp: bytes, known: bool, remarks: int
) -> None:
    (put(unbuilt_root, "ada", b"{}") / "timestamp.txt").write_bytes(stamp)
    book = GradebookWriter(unbuilt_root, Course(unbuilt_root).assignment("t1"))
    moment, remark = _timestamp(book, book.assignment, "ada")
    expected = datetime.datetime(2027, 1, 30, 8, 0) if known else None
    assert moment == expected
    assert (remark is not None) == bool(remarks)


def test_garbled_names_and_timestamps_stop_nobody(built_root: Path, mechanism: Mechanism) -> None:
    (put(built_root, "ada", b"{}") / "timestamp.txt").write_text("yesterday")
    odd = os.fsencode(built_root / "submitted") + b"/\xff\xfe/t1"
    os.makedirs(odd)
    with open(odd + b"/mean.ipynb", "wb") as file:
        file.write(b"{}")
    result = run(built_root, mechanism)
    assert [r.student for r in result.reports] == ["ada"]
    assert result.remarks == ("ada/t1/timestamp.txt holds no time: never late.",)
    assert len(result.strays) == 1
    result.strays[0].encode()
    with Gradebook(f"sqlite:///{built_root / 'gradebook.db'}") as book:
        assert book.find_submission("t1", "ada").timestamp is None


def test_nothing_to_grade_is_told(built_root: Path, mechanism: Mechanism) -> None:
    for prepare in (
        lambda: None,
        lambda: (built_root / "submitted").mkdir(),
        lambda: (built_root / "submitted" / "ada" / "t1").mkdir(parents=True),
    ):
        prepare()
        with pytest.raises(UserError, match=r"Nothing to grade: .*STUDENT/t1/\*\.ipynb"):
            run(built_root, mechanism)


def test_hand_ins_are_found_by_name_alone(class_once: Path) -> None:
    course = Course(class_once)
    tasks, strays = find_handins(course, course.assignment("t1"))
    assert [task.student for task in tasks] == sorted(POINTS)
    assert strays == ["jan/t1/Mean (1).ipynb"]
    tasks, strays = find_handins(course, course.assignment("t1"), ["jan"])
    assert (tasks, strays) == ([], ["jan/t1/Mean (1).ipynb"])

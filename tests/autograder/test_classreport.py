"""The class report: its numbers, its page, its tables, and what it says of bad input."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from autograder.classreport import class_report, similar
from autograder.classreport import write as writing
from autograder.classreport.charts import points_histogram
from autograder.classreport.export import safe_cell
from autograder.classreport.similar import find_similar
from autograder.cli import main
from autograder.course import Course, Exercise
from autograder.handin import Handin
from autograder.report import CheckResult, Report

HINT = "Divide by the <b>number</b> of entries."
HOSTILE = "<img src=x onerror=alert(1)>"
LONG = """def row_means(X):
    total = np.zeros(X.shape[0])
    for row in range(X.shape[0]):
        for column in range(X.shape[1]):
            total[row] += X[row, column]
        if not np.isfinite(total[row]):
            total[row] = np.nan_to_num(total[row])
    count = max(X.shape[1], 1)
    return total / count
"""
OTHER = """def row_means(X):
    ones = np.ones((X.shape[1], 1), dtype=X.dtype)
    sums = np.matmul(X, ones)
    parts = [float(value) for value in sums.ravel().tolist()]
    assert len(parts) == len(X)
    while len(parts) > len(X):
        parts.pop()
    result = np.asarray(parts).astype(float)
    np.true_divide(result, X.shape[1], out=result)
    return result.reshape(-1)
"""


@pytest.fixture
def course(unbuilt_root: Path) -> Course:
    return Course(unbuilt_root)


@pytest.fixture
def add(course: Course, handin: Any) -> Callable[..., Path]:
    """Put a hand-in and its report into the course: outcomes are those of the checks, in order."""
    (exercise,) = course.select("t1/mean")

    def put(student: str, *outcomes: str, content: bytes | None = None, **fields: Any) -> Path:
        folder = course.root / "submitted" / student / "t1"
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(handin() if content is None else content)
        checks = []
        for i, check in enumerate(exercise.checks):
            outcome: Any = outcomes[i] if i < len(outcomes) else "passed"
            wrong = outcome == "failed"
            checks.append(
                CheckResult(
                    check.name,
                    check.of,
                    check.description,
                    outcome,
                    check.points if outcome in ("passed", "could_not_run") else 0,
                    check.points,
                    HOSTILE if wrong else "",
                    "sums_instead" if wrong else None,
                    HINT if wrong else None,
                    detail=f"{HOSTILE}\nZeroDivisionError" if outcome == "could_not_run" else "",
                )
            )
        fields = {"seconds": 0.5, "grader": {"suite": exercise.suite}} | fields
        path = course.root / "reports" / student / "t1" / "mean.json"
        Report("t1/mean", student, tuple(checks), **fields).write(path)
        return path

    return put


def written(course: Course) -> tuple[Any, str]:
    made = class_report(course, course.assignment("t1"))
    return made, made.files["page"].read_text(encoding="utf-8")


class Page(HTMLParser):
    """A page's elements and text; fails on elements that are not closed in order."""

    EMPTY = frozenset("meta link input img path use br i".split())

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.stack: list[str] = []
        self.feed(text)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_numbers_of_a_class(course: Course, add: Callable[..., Path]) -> None:
    add("ada")
    add("bo", "failed", "failed")
    add("cy", "timeout", seconds=9.0)
    add("di", "could_not_run")
    add("ed", *["failed"] * 9, problem="the file is empty", content=b"")
    made, _ = written(course)
    numbers = made.numbers
    (exercise,) = numbers.exercises
    first = exercise.checks[0]
    assert (len(numbers.students), numbers.handins, exercise.unreadable) == (5, 5, 1)
    assert first.outcomes == {"could_not_run": 1, "failed": 1, "passed": 1, "timeout": 1}
    assert first.share == pytest.approx(1 / 3)
    assert exercise.max_points == 9
    assert exercise.full == 2, "the grader's own faults cost nothing"
    mistake = numbers.mistakes[0]
    assert (mistake.students, mistake.hint, mistake.share) == (("bo", "ed"), HINT, 2 / 5)
    assert [row.student for row in numbers.slow][:1] == ["cy"]
    assert [(t.student, t.why[:12]) for t in numbers.troubles] == [
        ("ed", "The file cou"),
        ("di", "The check me"),
    ]


def test_an_exercise_that_was_not_handed_in_counts_nothing(
    course: Course, add: Callable[..., Path]
) -> None:
    add("ada")
    folder = course.root / "assignments" / "t1"
    text = (folder / "assignment.toml").read_text().replace('["mean"]', '["mean", "more"]')
    (folder / "assignment.toml").write_text(text)
    (folder / "more").mkdir()
    for path in (folder / "mean").glob("*.py"):
        (folder / "more" / path.name).write_bytes(path.read_bytes())
    made, page = written(Course(course.root))
    (row,) = made.numbers.students
    assert row.points == {"t1/mean": 9, "t1/more": None}
    assert (row.total, made.numbers.max_points) == (9, 18)
    assert made.numbers.exercises[1].missing == 1
    assert "0 handed in, 1 did not" in " ".join(page.split())


def test_what_is_missing_broken_or_old_is_told(
    course: Course, add: Callable[..., Path], handin: Any
) -> None:
    add("ada", grader={"suite": "an earlier one"})
    add("bo").write_text("{")
    other = add("cy")
    other.write_text(other.read_text().replace('"cy"', '"ada"'))
    (course.root / "reports/ada/t1/gone.json").write_text("of no exercise any more")
    folder = course.root / "submitted" / "di" / "t1"
    folder.mkdir(parents=True)
    (folder / "mean.ipynb").write_bytes(handin())
    made, page = written(course)
    whys = {t.student: t.why for t in made.numbers.troubles if "not graded" not in t.why}
    assert whys == {
        "bo": "Its report cannot be read: grade it again.",
        "cy": "Its report is another hand-in's: grade it again.",
    }
    assert "di" in {t.student for t in made.numbers.troubles}
    assert made.numbers.stale == 1
    assert "1 reports were made by an earlier version" in page


def test_hostile_text_stays_text(course: Course, add: Callable[..., Path]) -> None:
    add(HOSTILE, "failed")
    add('"><svg onload=alert(2)>', "could_not_run")
    add("ada", problem=f"it says {HOSTILE} </script><script>alert(3)</script>")
    _, text = written(course)
    page = Page(text)
    assert not [t for t, _ in page.tags if t == "img"]
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    scripts = re.findall(r"<script", text)
    assert len(scripts) == 1
    assert HOSTILE in "".join(page.words)
    assert "<b>number" not in text
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            link = attributes.get(name) or "#"
            assert link.startswith(("#", "../feedback/", "data:,")), (tag, link)


def test_only_the_pages_own_script_may_run(course: Course, add: Callable[..., Path]) -> None:
    add("ada")
    _, text = written(course)
    policy = dict(Page(text).tags)["meta"]
    metas = [attrs.get("content") or "" for tag, attrs in Page(text).tags if tag == "meta"]
    (policy,) = [m for m in metas if "script-src" in m]
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_the_page_is_the_same_for_the_same_reports(
    course: Course, add: Callable[..., Path]
) -> None:
    add("ada")
    add("bo", "failed")
    first = written(course)[1]
    assert written(course)[1] == first
    ids = [a["id"] for _, a in Page(first).tags if a.get("id")]
    assert len(set(ids)) == len(ids)


def test_tables_for_canvas_and_moodle(course: Course, add: Callable[..., Path]) -> None:
    add('=HYPERLINK("x")', "failed")
    add("ada, countess")
    made, _ = written(course)

    def rows(name: str) -> list[list[str]]:
        with made.files[name].open(newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    safe, total = '\'=HYPERLINK("x")', made.numbers.students[0].total
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "t1 " + made.numbers.title]
    assert rows("for Canvas") == [
        head,
        ["    Points Possible", "", "", "", "", "9"],
        [safe, "", "", safe, "", str(total)],
        ["ada, countess", "", "", "ada, countess", "", "9"],
    ]
    assert rows("for Moodle") == [
        ["username", "t1/mean", head[-1]],
        [safe, str(total), str(total)],
        ["ada, countess", "9", "9"],
    ]
    assert rows("points")[0] == ["student", "t1/mean", "total", "max_points", "seconds"]
    assert rows("points")[2] == ["ada, countess", "9", "9", "9", "0.5"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    assert safe_cell(f"{start}1") == f"'{start}1"


# Near-identical ----------------------------------------------------------------------------------


def alike(tiny: Exercise, handin: Any, **sources: str) -> list[tuple[tuple[str, ...], int, int]]:
    read = {s: Handin.read(handin(row_means=text), tiny.text) for s, text in sources.items()}
    return [
        (s.students, round(100 * s.structure), round(100 * s.names))
        for s in find_similar(tiny, read)
    ]


def test_a_copy_is_found_through_comments_layout_and_names(tiny: Exercise, handin: Any) -> None:
    disguised = LONG.replace("total", "acc").replace("row", "i").replace("i_means", "row_means")
    disguised = disguised.replace("\n    for", '\n    """Mine."""\n    # all mine\n\n    for')
    found = alike(tiny, handin, ada=LONG, bo=OTHER, cy=disguised)
    ((students, structure, names),) = found
    assert (students, structure) == (("ada", "cy"), 100)
    assert 50 < names < 95


def test_a_small_change_leaves_a_pair(tiny: Exercise, handin: Any) -> None:
    changed = LONG.replace("max(X.shape[1], 1)", "max(1, X.shape[1])")
    ((students, structure, _),) = alike(tiny, handin, ada=LONG, bo=changed, cy=OTHER)
    assert students == ("ada", "bo")
    assert 90 <= structure < 100


def test_text_of_the_exercise_and_little_code_are_never_alike(tiny: Exercise, handin: Any) -> None:
    short = "def row_means(X):\n    return X.mean(axis=1)\n"
    assert alike(tiny, handin, ada=short, bo=short) == []
    assert alike(tiny, handin, ada="", bo="pass") == []
    stub = 'def row_means(X):\n    raise NotImplementedError("row_means is not written yet")\n'
    assert alike(tiny, handin, ada=stub, bo=stub) == []


@pytest.mark.parametrize("text", ["'" * 9999, '"""' * 3333, "\\" * 9999, "(" * 9999, "é½\x00" * 99])
def test_what_is_no_python_is_compared_all_the_same(tiny: Exercise, handin: Any, text: str) -> None:
    for students, structure, _ in alike(tiny, handin, ada=text, bo=text):
        assert (students, structure) == (("ada", "bo"), 100)


@given(st.lists(st.text("abc\u0400\u0500", min_size=1, max_size=40), max_size=8), st.data())
def test_no_pair_that_is_alike_is_left_out(texts: list[str], data: Any) -> None:
    if texts:  # and one that is nearly another
        near = data.draw(st.sampled_from(texts))
        texts.append(near[1:] + near[:1])
    found = {(i, j): score for i, j, score in similar._alike(texts)}
    for i, j in itertools.combinations(range(len(texts)), 2):
        score = Indel.normalized_similarity(texts[i], texts[j])
        assert ((i, j) in found) == (score >= similar.THRESHOLD)
        assert found.get((i, j), score) == pytest.approx(score)


def test_a_large_class_is_compared_by_several_processes(
    course: Course,
    add: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    handin: Any,
) -> None:
    folder = course.root / "assignments" / "t1"
    text = (folder / "assignment.toml").read_text().replace('["mean"]', '["mean", "more"]')
    (folder / "assignment.toml").write_text(text)
    (folder / "more").mkdir()
    for path in (folder / "mean").glob("*.py"):
        (folder / "more" / path.name).write_bytes(path.read_bytes())
    add("ada", content=handin(row_means=LONG))
    add("bo", content=handin(row_means=LONG))
    add("cy", content=handin(row_means=OTHER))
    fresh = Course(course.root)
    alone = class_report(fresh, fresh.assignment("t1"))
    monkeypatch.setattr(writing, "MANY", 1)
    told: list[tuple[int, int]] = []
    made = class_report(fresh, fresh.assignment("t1"), lambda *now: told.append(now))
    assert made.similar == alone.similar
    assert [s.students for s in made.similar] == [("ada", "bo")]
    assert told == [(1, 2), (2, 2)]


# The console -------------------------------------------------------------------------------------


def test_report_on_the_terminal_and_as_json(
    course: Course, add: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course.root)
    add("ada")
    add("bo", "failed")
    result = CliRunner().invoke(main, ["report", "t1"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "1 × row_means: Divide by the <b>number</b>" in result.stdout
    assert str(course.root / "reports" / "t1.html") in result.stdout
    result = CliRunner().invoke(main, ["report", "t1", "--json"])
    content = json.loads(result.stdout)
    assert content["exercises"][0]["points"][0] == 9
    assert content["exercises"][0]["checks"][0]["share"] == 0.5
    assert Path(content["files"]["page"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "t1"], "holds no STUDENT/t1/*.json; run `autograder grade t1` first."),
        (["report", "t9"], "There is no assignment 't9'; there are: t1."),
        (["report"], "Missing argument 'ASSIGNMENT'"),
    ],
)
def test_bad_input_is_told(
    course: Course, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(course.root)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (course.root / "reports").exists()


@pytest.mark.parametrize("points", [[], [0], [9, 9, 9], list(range(10)), [40, 200, 200]])
def test_a_chart_of_any_points(points: list[int]) -> None:
    chart = str(points_histogram(points, max([9, *points]), 'a "label" <x>'))
    Page(chart)
    assert chart.startswith("<svg viewBox=")
    assert "#0" not in re.sub(r"url\(#\w+\)|href=\"#\w+\"", "", chart)
    assert ("median" in chart) == bool(points)

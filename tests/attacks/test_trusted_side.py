"""The grader's own side of an attack: files it opens, pages it writes, time it takes."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from attack_harness import VICTIM, grade, handin_of
from attack_planting import TINY, Planted
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from rich.console import Console
from traitlets.config import Config

import autograder.grading
import autograder.session
from autograder import CheckFailed, check
from autograder.authoring import Check
from autograder.build import build
from autograder.classroom import grade_class
from autograder.course import Course
from autograder.diagnosis import same, structure
from autograder.feedback import feedback_page
from autograder.graders import local_graders
from autograder.grading import grade_handin
from autograder.handin import Handin, Unreadable, read_bytes
from autograder.makeup import blank, with_solution
from autograder.sandbox import Mechanism, WorkerLost, Zygote
from autograder.views import print_class
from autograder.watch import TookTooLong, time_limit

RIGHT = "def row_means(X):\n    return X.mean(axis=1)"


NO_ZYGOTE: Any = type("NoZygote", (), {"mechanism": type("No", (), {"name": "none"})})


# Checks that stumble


def graded_by(
    planted: Planted, zygote: Zygote, run: Any, source: str = RIGHT, timeout: float = 2
) -> Any:
    """Grade a hand-in by one check made up here."""
    made: Check = check(points=3, of="row_means", timeout=timeout)(run)
    exercise = replace(planted.exercise)
    exercise.__dict__["checks"] = (made,)
    content = handin_of(planted.exercise, {"row_means": source})
    return grade_handin(exercise, content, "eve", zygote, b"secret").checks[0]


def test_values_that_make_a_check_run_for_ever_are_the_students_failure(
    planted: Planted, zygote: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autograder.grading, "OWN_SECONDS", 0.3)
    monkeypatch.setattr(autograder.grading, "DEFINE_SECONDS", 0.0)

    def loops(student: Any, rng: np.random.Generator) -> None:
        """Counts up to what comes back."""
        value = student.row_means(rng.normal(size=(2, 3)))
        for _ in range(10**9 if len(value) > 2 else 1):
            pass

    start = time.monotonic()
    result = graded_by(planted, zygote, loops, "def row_means(X): return [1, 2, 3]", timeout=0.2)
    assert result.outcome == "failed"
    assert result.points == 0
    assert "expected an array of shape (2,)" in result.message
    assert graded_by(planted, zygote, loops).outcome == "passed"
    assert time.monotonic() - start < 10


def test_a_check_that_runs_for_ever_by_itself_costs_no_points(
    planted: Planted, zygote: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autograder.grading, "OWN_SECONDS", 0.2)
    monkeypatch.setattr(autograder.grading, "DEFINE_SECONDS", 0.0)

    def loops(student: Any, rng: np.random.Generator) -> None:
        """Never ends."""
        student.row_means(np.ones((2, 2)))
        while True:
            pass

    result = graded_by(planted, zygote, loops, timeout=0.2)
    assert (result.outcome, result.points) == ("could_not_run", 3)
    assert "TookTooLong" in result.detail


def test_a_message_that_quotes_a_students_value_is_cleaned_and_cut(
    planted: Planted, zygote: Zygote
) -> None:
    def quotes(student: Any, rng: np.random.Generator) -> None:
        """Quotes what comes back."""
        raise CheckFailed(f"got {student.row_means(1)}")

    source = "def row_means(X): return '\\x1b[2J\\x07\\u202e<b>' * 100_000"
    result = graded_by(planted, zygote, quotes, source)
    assert result.message.startswith("got [2J<b>")
    assert len(result.message) == autograder.grading.MAX_MESSAGE


def test_an_object_where_an_array_was_due_is_only_a_failure(
    planted: Planted, zygote: Zygote
) -> None:
    content = handin_of(planted.exercise, {"centre": "def centre(X): return object()"})
    result = grade(planted, zygote, content, "eve").result("rows_are_centred")
    assert result.outcome == "failed"


def test_results_of_other_kinds_differ_without_an_error_or_much_memory() -> None:
    wide = ["x" * 2_000_000] + ["y"] * 200_000  # 1.6 TB as an array
    for value in (wide, ["a", "b"], ["a", b"a"], "text", [None], {"a": wide}, object(), [[], [1]]):
        for other in (np.zeros(3), [1.0, 2.0, 3.0], ["a", "b", "c"], 3.0, None, {"a": 1}, (wide,)):
            assert not same(value, other)
            assert not same(other, value)
        assert len(structure(value)) < 200


def test_a_limit_of_time_gives_a_running_timer_back() -> None:
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    outer, _ = signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(TookTooLong), time_limit(0.05):
            time.sleep(2)
        assert not rang
        time.sleep(0.4)
        assert rang == [1]
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, outer)


# A sandbox that ends


def test_a_sandbox_that_is_killed_costs_nothing(
    planted: Planted, mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it happens: before, in and after a call, while defining, while ending."""
    content = handin_of(planted.exercise, VICTIM)
    request = autograder.session.Session.request
    with Zygote(mechanism, hidden=(planted.root,)) as zygote:
        expected = without_times(grade(planted, zygote, content, "victim").report)
        calls = 0

        def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == victim:
                assert zygote._process is not None
                zygote._process.kill()
            return request(self, *args, **kwargs)

        monkeypatch.setattr(autograder.session.Session, "request", counting)
        for victim in (1, 2, 3, 5, 8, 11):
            calls = 0
            report = grade(planted, zygote, content, "victim").report
            assert calls > victim
            assert without_times(report) == expected


def test_a_sandbox_that_always_ends_is_the_graders_fault(
    planted: Planted, mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: Any, *_: Any, **__: Any) -> Any:
        raise WorkerLost("gone")

    monkeypatch.setattr(autograder.session.Session, "request", gone)
    with Zygote(mechanism, hidden=(planted.root,)) as zygote:
        report = grade(planted, zygote, handin_of(planted.exercise, VICTIM), "victim").report
    assert {c.outcome for c in report.checks} == {"could_not_run"}
    assert report.points == report.max_points


def without_times(report: Any) -> Any:
    return replace(
        report, seconds=0.0, checks=tuple(replace(c, seconds=0.0) for c in report.checks)
    )


# Files and folders


def test_a_hand_in_that_is_no_file_of_its_own_is_not_opened(
    tmp_path: Path, planted: Planted
) -> None:
    other = planted.root / "submitted" / "ada" / "t1" / "mean.ipynb"
    path = tmp_path / "mean.ipynb"
    for make in (
        lambda: path.symlink_to(other),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path),
        lambda: os.mkfifo(path),
        lambda: path.mkdir(),
    ):
        make()
        with pytest.raises(Unreadable, match=r"no regular file|cannot be read"):
            read_bytes(path)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("class") / "course"
    shutil.copytree(TINY, root, ignore=shutil.ignore_patterns("__pycache__"))
    course = Course(root)
    build(course, course.select(None))
    return root


def test_a_class_of_hostile_files_and_folders(
    built: Path, mechanism: Mechanism, tmp_path: Path
) -> None:
    built = Path(shutil.copytree(built, tmp_path / "course"))  # for each mechanism anew
    course = Course(built)
    (exercise,) = course.select("t1/mean")
    submitted = built / "submitted"

    def place(student: str) -> Path:
        folder = submitted / student / "t1"
        folder.mkdir(parents=True)
        return folder / "mean.ipynb"

    hers = with_solution(exercise, "row_means", RIGHT)
    place("ada").write_bytes(hers)
    place("link").symlink_to("../../ada/t1/mean.ipynb")
    place("loop").symlink_to("mean.ipynb")
    os.mkfifo(place("pipe"))
    place("folder").mkdir()
    (submitted / "folder_link").symlink_to("ada")
    (submitted / "inner_link").mkdir()
    (submitted / "inner_link" / "t1").symlink_to("../ada/t1")
    escapes = "\x1b]0;owned\x07\x1b[2J<script>alert(1)"
    place(escapes[:-4]).write_bytes(blank(exercise))
    place("[bold red]x").write_bytes(blank(exercise))
    place("{{ 7 * 7 }}").write_bytes(blank(exercise))
    os.makedirs(os.path.join(os.fsencode(submitted), b"\xff\xfe", b"t1"))
    with open(os.path.join(os.fsencode(submitted), b"\xff\xfe/t1/mean.ipynb"), "wb") as file:
        file.write(hers)
    (submitted / "ada" / "t1" / f"{escapes[:-4]}\n.ipynb").write_text("x")
    before = (built / "submitted" / "ada" / "t1" / "mean.ipynb").read_bytes()

    result = grade_class(course, course.assignment("t1"), local_graders(course, mechanism, 1))

    points = {report.student: report.points for report in result.reports}
    assert points["ada"] == 9
    assert {name for name, earned in points.items() if earned} == {"ada"}
    assert points.keys() >= {"link", "loop", "pipe", "folder", "[bold red]x", "{{ 7 * 7 }}"}
    assert before == (built / "submitted" / "ada" / "t1" / "mean.ipynb").read_bytes()
    screen = io.StringIO()
    print_class(Console(file=screen, force_terminal=True, width=200), result)
    plain = re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue())
    assert all(c.isprintable() or c == "\n" for c in plain)
    assert "[bold red]x" in plain
    for page in built.glob("feedback/*/t1/*.html"):
        assert "<script" not in page.read_text()
        assert "alert(1)" not in page.read_text() or "&lt;" in page.read_text()


# What the instructor opens


class _Active(HTMLParser):
    """Collects what a browser would do more with than show."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "style", "svg", "base", "form", "meta"):
            self.found.append(tag)
        for name, value in attrs:
            scheme = re.sub(r"[\s\0]", "", value or "").lower()
            if name.startswith("on") or scheme.startswith(
                ("javascript:", "data:text", "vbscript:")
            ):
                self.found.append(f"{tag} {name}={value}")


MARKDOWN = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "<<b>script>",
    "[a](javascript:alert(1))", "[a]( JaVa\tScRiPt:alert(1) )",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "<javascript:alert(1)>", "![a](javascript:alert(1))", "[a](<javascript:alert(1)>)", "`<b>`",
    "a < b > c",
    "[a](&#106;avascript:alert(1))", "<!-- --><script>alert(1)</script>", "<![CDATA[<script>]]>",
    "<?x <script>?>",
    "```\n<script>alert(1)</script>\n```", "    <script>alert(1)</script>",
    "<a href='javascript:alert(1)'>x</a>",
    "$\\href{javascript:alert(1)}{x}$", "$$\\style{color:red}{x}$$ $\\require{html}$",
    "&lt;script&gt;alert(1)",
    "\\<script>alert(1)</script>", "[a]: data:text/html,<script>alert(1)</script>\n\n[a]",
    "x\0<script\0>",
    "<sc<script>ript>alert(1)", "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>@import '//evil'</style>",
    "| a |\n|---|\n| <script>alert(1)</script> |", "# <b onclick=alert(1)>x</b>",
    "* <details open ontoggle=alert(1)>",
]  # fmt: skip


def test_the_formgrader_runs_nothing_of_an_answer(planted: Planted, zygote: Zygote) -> None:
    notebook = json.loads(blank(planted.exercise))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "question_why":
            cell["source"] = "\n\n".join(MARKDOWN)
    for text in MARKDOWN:
        for kind in ("markdown", "raw", "code"):
            notebook["cells"].append({"cell_type": kind, "metadata": {}, "source": text})
    graded = grade(planted, zygote, json.dumps(notebook).encode(), "eve")
    clean = grade(planted, zygote, blank(planted.exercise), "eve")
    assert active(graded.notebook) == active(clean.notebook)
    assert "a < b &gt; c" in formgrader(graded.notebook).replace("&lt;", "<")


def active(notebook: str) -> list[str]:
    parser = _Active()
    parser.feed(formgrader(notebook))
    return parser.found


def formgrader(notebook: str) -> str:
    """Return the page that nbgrader's formgrader makes of a graded notebook."""
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    names = (
        "base_url",
        "submission_id",
        "notebook_id",
        "assignment_id",
        "student",
        "notebook_path",
    )
    resources: dict[str, Any] = {**dict.fromkeys(names, "x"), "index": 0, "total": 1}
    node = nbformat.reads(notebook, as_version=4)
    html: str = HTMLExporter(config=config).from_notebook_node(node, resources=resources)[0]
    body = html[html.index("<body") :]
    for graded_cell in ("<script", "\\href", "\\style", "\\require"):
        assert graded_cell in ("<script",) or graded_cell not in re.sub(
            r"<pre>.*?</pre>", "", body, flags=re.S
        )
    return html


def test_source_against_a_highlighter_is_shown_without_colours(planted: Planted) -> None:
    slow = "x = '<b>'\n" + " \n" * 9_000 + "y = 1"
    content = handin_of(planted.exercise, {"row_means": slow, "centre": slow})
    report = grade_handin(planted.exercise, Unreadable("it is not"), "eve", NO_ZYGOTE, b"")
    start = time.monotonic()
    page = feedback_page(
        planted.exercise,
        Handin.read(content, planted.exercise.text),
        replace(report, problem=None),
    )
    assert time.monotonic() - start < 4
    assert "x = &#39;&lt;b&gt;&#39;" in page or "&lt;b&gt;" in page
    assert "<b>'" not in page


# Sizes


@pytest.mark.parametrize("digits", [10, 10_000])
def test_a_notebook_with_much_in_its_texts_and_little_else_is_read(
    digits: int, planted: Planted
) -> None:
    notebook = json.loads(blank(planted.exercise))
    text = "[[0.1, 0.2], {3}], " * 100_000 + '\\" ["'
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
    content = json.dumps(notebook).encode()
    assert sum(map(content.count, (b"[", b"{", b","))) > 1_500_000
    assert len(Handin.read(content, planted.exercise.text).cells) == len(notebook["cells"])


def test_reading_costs_time_in_proportion_to_the_file(planted: Planted) -> None:
    for piece in (b'\\"', b'"', b"\\", b'"\\', b"[", b"{}", b'"a",', b"\xff"):
        content = b'{"cells": ["' + piece * (2**24 // len(piece))
        start = time.monotonic()
        with pytest.raises(Unreadable):
            Handin.read(content, planted.exercise.text)
        assert time.monotonic() - start < 8

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.preprocessors import CheckCellMetadata

from autograder.autograded import graded_notebook, inert
from autograder.course import Exercise
from autograder.handin import Handin
from autograder.report import CheckResult, Report

SECRETS = ("total = X.sum(axis=1)", "means = row_means(X)", "BEGIN SOLUTION", "takes nothing away")


def graded(exercise: Exercise, content: bytes | None, report: Report) -> Any:
    handin = None if content is None else Handin.read(content, exercise.text)
    text = graded_notebook(exercise, handin, report)
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    CheckCellMetadata().preprocess(notebook, {})  # nbgrader's own rules
    for secret in SECRETS:
        assert secret not in text
    return notebook


@pytest.fixture
def report(tiny: Exercise) -> Report:
    checks = [
        CheckResult(c.name, c.of, c.description, "passed", c.points, c.points) for c in tiny.checks
    ]
    checks[0] = replace(checks[0], outcome="failed", points=0, message="It is off.", hint="Divide.")
    return Report("t1/mean", "ada", tuple(checks))


def by_name(notebook: Any) -> dict[str, Any]:
    return {
        cell.metadata.get("nbgrader", {}).get("grade_id", cell["id"]): cell
        for cell in notebook.cells
    }


def test_the_students_work_stands_in_our_cells_with_results(
    tiny: Exercise, handin: Any, report: Report
) -> None:
    notebook = graded(tiny, handin(), report)
    cells = by_name(notebook)
    assert cells["row_means"].source == handin.ROW_MEANS
    assert cells["question_why"].source == handin.QUESTION
    text = cells["check_row_means"].outputs[0]["text"]
    assert text.splitlines() == [
        "✗ 0/3  The means agree with the reference.",
        "      It is off.",
        "      Divide.",
        "✓ 1/1  The array that is passed in is not changed.",
        "✓ 1/1  Little memory is used.",
    ]
    assert cells["check_row_means"].metadata.nbgrader["points"] == 5
    assert cells["row_means"].outputs == []


def test_nothing_that_the_hand_in_brought_besides_its_sources_is_kept(
    tiny: Exercise, handin: Any, report: Report
) -> None:
    cells = handin.cells()
    for cell in cells:
        cell["metadata"]["evil"] = "<script>"
        cell["metadata"].setdefault("nbgrader", {})["points"] = 1000
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "<script>"}]
        cell["attachments"] = {"a": {"text/plain": "<script>"}}
    cells[2]["source"] = "print('<script>')"
    notebook = graded(tiny, handin.file(cells, metadata={"evil": "<script>"}), report)
    assert "script" not in json.dumps(notebook)
    assert sum(c.metadata.get("nbgrader", {}).get("points", 0) for c in notebook.cells) == 11


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_solution_turned_into_text_shows_the_students_text_not_ours(
    tiny: Exercise, handin: Any, report: Report, kind: str
) -> None:
    cells = handin.cells(row_means="I gave up.")
    cells[1]["cell_type"] = kind
    notebook = graded(tiny, handin.file(cells), report)
    assert "I gave up." in json.dumps(notebook)
    assert by_name(notebook)["row_means"].source == ""


def test_lost_cells_are_there_again_and_doubled_ones_once(
    tiny: Exercise, handin: Any, report: Report
) -> None:
    cells = handin.cells()
    notebook = graded(tiny, handin.file([cells[1], cells[1], cells[1]]), report)
    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]
    for name in ("row_means", "check_row_means", "centre", "check_centre", "question_why"):
        assert names.count(name) == 1
    assert by_name(notebook)["centre"].source == ""
    assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells)


def test_an_unreadable_hand_in_has_a_notebook_that_says_so(tiny: Exercise, report: Report) -> None:
    notebook = graded(tiny, None, replace(report, problem="the file is empty"))
    assert notebook.cells[0].source == "**This hand-in could not be graded:** the file is empty."
    assert by_name(notebook)["row_means"].source == ""
    assert by_name(notebook)["question_why"].source == ""


def test_cells_that_were_added_keep_their_kind(tiny: Exercise, handin: Any, report: Report) -> None:
    cells = handin.cells()
    cells.append(handin.cell("x = 1"))
    cells.append(handin.cell("*mine* <script>", kind="markdown"))
    code, text = graded(tiny, handin.file(cells), report).cells[-2:]
    assert (code.cell_type, code.source) == ("code", "x = 1")
    assert (text.cell_type, text.source) == ("markdown", "*mine* < script>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain *text* with $a < b$ and `x<3`", "plain *text* with $a < b$ and `x<3`"),
        ("<script>alert(1)</script>", "< script>alert(1)< /script>"),
        ("<img src=x onerror=alert(1)>", "< img src=x onerror=alert(1)>"),
        ("<!-- x --><?php", "< !-- x -->< ?php"),
        (r"$\href{javascript:alert(1)}{x}$", r"$\ href{javascript:alert(1)}{x}$"),
        (r"$\hrefx \alpha$", r"$\hrefx \alpha$"),
        ("[x](javascript:alert(1)) [a], [b]", "[x] (javascript:alert(1)) [a], [b]"),
        ("[x]: javascript:alert(1)\n[y][x]", "[x] : javascript:alert(1)\n[y] [x]"),
    ],
)
def test_markdown_of_a_student_does_nothing(text: str, expected: str) -> None:
    assert inert(text) == expected


def test_a_formgraders_page_of_a_hostile_answer_has_no_script(
    tiny: Exercise, handin: Any, report: Report
) -> None:
    hostile = "\n\n".join(
        [
            "<script>alert(1)</script>",
            "<svg/onload=alert(2)>",
            "[click](javascript:alert(3))",
            "![x](javascript:alert(4))",
            "<a href='javascript:alert(5)'>x</a>",
            "<javascript:alert(6)>",
            "[click][1] and [1]\n\n[1]: javascript:alert(7)",
            "[click](java&#x73;cript:alert(8))",
        ]
    )
    content = handin(question_why=hostile)
    html, _ = HTMLExporter(template_name="basic").from_notebook_node(graded(tiny, content, report))
    found: list[tuple[str, dict[str, str | None]]] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            found.append((tag, dict(attrs)))

    Tags().feed(html)
    assert not [tag for tag, _ in found if tag in ("script", "svg", "iframe")]
    for _, attrs in found:
        assert not any(name.startswith("on") for name in attrs)
        assert str(attrs.get("href", "#")).startswith("#")
        assert "src" not in attrs

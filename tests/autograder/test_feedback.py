from __future__ import annotations

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from autograder.course import Exercise
from autograder.errormap import ErrorMap
from autograder.feedback import PersonsGrade, feedback_page
from autograder.feedback.page import prose
from autograder.handin import Handin
from autograder.report import CheckResult, QuestionResult, Report

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&lt;{{ 7 * 7 }}{% raw %}`<b>`"


class Page(HTMLParser):
    """Reads a page strictly: every element closed in its turn; keeps tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.by_tag: dict[str, str] = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data
            self.by_tag[self.open[-1]] = self.by_tag.get(self.open[-1], "") + data

    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.tags if "id" in attrs]


def results(exercise: Exercise, **changes: Any) -> tuple[CheckResult, ...]:
    """Results of all checks of an exercise: passed, but for the changes of one named ``which``."""
    which = changes.pop("which", "")
    found = []
    for check in exercise.checks:
        base = (check.name, check.of, check.description)
        result = CheckResult(*base, "passed", check.points, check.points)
        found.append(replace(result, **changes) if check.name == which else result)
    return tuple(found)


def page(
    exercise: Exercise, content: bytes | None, report: Report, **persons: PersonsGrade
) -> tuple[Page, str]:
    handin = None if content is None else Handin.read(content, exercise.text)
    html = feedback_page(exercise, handin, report, persons)
    return Page(html), html


@pytest.fixture
def report(tiny: Exercise) -> Report:
    questions = (QuestionResult("question_why", True, 2.0),)
    return Report("t1/mean", "ada", results(tiny), questions, 0.25)


def test_a_page_shows_scores_checks_and_code(tiny: Exercise, handin: Any, report: Report) -> None:
    failed = results(
        tiny,
        which="rows_are_centred",
        outcome="failed",
        points=0,
        message="centre(X) is wrong in `5` of 12 entries\nand so on",
        misconception="centres_columns",
        hint="You centre columns.",
        printed="shape (3, 4)",
    )
    found, html = page(tiny, handin(), replace(report, checks=failed, notes=("A note.",)))
    assert "5 of 9 points" in found.text
    assert "3 of 4 checks pass" in found.text
    assert "The mean of rows" in found.by_tag["h1"]
    for words in (
        "Each row has the mean zero afterwards.",
        "centre(X) is wrong in 5 of 12 entries",
        "You centre columns.",
        "What your code printed",
        "shape (3, 4)",
        "A note.",
        "X - row_means(X)[:, None]",
        "You answered 1 of 1 questions in words",
        "ada",
    ):
        assert words in found.text, words
    assert "<code>5</code>" in html
    assert "misconception" not in found.text
    assert "centres_columns" not in html
    assert set(found.ids()) == {"row_means", "centre"}
    assert any(attrs.get("href") == "#centre" for _, attrs in found.tags)


def test_a_page_of_a_right_hand_in_is_glad(tiny: Exercise, handin: Any, report: Report) -> None:
    found, _ = page(tiny, handin(), report)
    assert "9 of 9 points" in found.text
    assert "Every check passes" in found.text


def test_a_page_stands_alone_and_runs_nothing(tiny: Exercise, handin: Any, report: Report) -> None:
    found, html = page(tiny, handin(), report)
    assert html.startswith("<!DOCTYPE html>\n")
    assert "script" not in {tag for tag, _ in found.tags}
    for _, attrs in found.tags:
        assert not any(name.startswith("on") for name in attrs)
        for name in ("src", "href"):
            if name in attrs:
                assert str(attrs[name]).startswith(("#", "data:,"))
    assert "url(" not in html
    assert "@import" not in html
    assert ("html", {"lang": "en"}) in found.tags


@pytest.mark.parametrize("field", ["message", "hint", "printed", "description", "name", "of"])
def test_hostile_text_of_a_check_is_shown_as_text(
    tiny: Exercise, handin: Any, report: Report, field: str
) -> None:
    clean, _ = page(tiny, handin(), report)
    fields = {"message": "m", "outcome": "failed", field: HOSTILE, "which": "means_are_right"}
    found, html = page(tiny, handin(), replace(report, checks=results(tiny, **fields)))
    assert {tag for tag, _ in found.tags} <= {tag for tag, _ in clean.tags} | {
        "div", "p", "b", "code", "details", "summary", "pre",
    }  # fmt: skip
    assert "<script" not in html
    assert "onerror" not in str(found.tags) or field in ("name", "of")
    if field not in ("name",):
        assert "{{ 7 * 7 }}" in found.text


@pytest.mark.parametrize(
    "where", ["student", "problem", "notes", "code", "answer", "comment", "map"]
)
def test_hostile_text_elsewhere_is_shown_as_text(
    tiny: Exercise, handin: Any, report: Report, where: str
) -> None:
    content, persons = handin(), {}
    if where == "student":
        report = replace(report, student=HOSTILE)
    elif where == "problem":
        report = replace(report, problem=HOSTILE)
    elif where == "notes":
        report = replace(report, notes=(HOSTILE,))
    elif where == "code":
        content = handin(row_means=f"# {HOSTILE}\nx = '''{HOSTILE}'''")
    elif where == "answer":
        content = handin(question_why=HOSTILE)
    elif where == "map":
        found = ErrorMap(HOSTILE, (4,), 1, HOSTILE, ("0010",))
        failed = {"outcome": "failed", "message": "m", "error_map": found}
        report = replace(report, checks=results(tiny, which="means_are_right", **failed))
    else:
        persons["question_why"] = PersonsGrade(1.5, 2.0, HOSTILE)
    found, html = page(tiny, content, report, **persons)
    assert "<script" not in html
    assert "<img" not in html
    assert "script" not in {tag for tag, _ in found.tags}
    if where != "answer":
        assert "<script>alert(1)</script>" in found.text
        assert "{{ 7 * 7 }}" in found.text


def test_control_and_bidirectional_characters_do_not_reach_the_page(
    tiny: Exercise, handin: Any, report: Report
) -> None:
    nasty = "a\x00\x08\x1b[31m\u202e\u2066\x7f\x85\ufeffb\r\nc"
    content = handin(row_means=f"x = '''{nasty}'''\ndef row_means(X):\n\treturn X")
    _, html = page(tiny, content, report)
    assert all(c == "\n" or c == "\t" or c.isprintable() for c in html)
    html.encode()


def test_very_long_code_is_cut_and_slow_code_to_read_is_not_slow(
    tiny: Exercise, handin: Any, report: Report
) -> None:
    for source in (
        "x = 1\n" * 80_000,
        "'" * 400_000,
        "(" * 400_000,
        "\\" * 400_000,
        "f'{" * 99_999,
    ):
        start = time.process_time()
        found, html = page(tiny, handin(row_means=source), report)
        assert time.process_time() - start < 5
        assert "the rest is left out" in found.text
        assert len(html) < 1_000_000


# Wrong for two rows, or for all: of that, there is nothing to be seen in a picture.
PARTLY = "def row_means(X):\n    m = X.mean(axis=1)\n    m[1:3] *= 7\n    return m"
ALL = "def row_means(X):\n    return X.sum(axis=1)"


@pytest.mark.parametrize("source", [PARTLY, ALL])
def test_nothing_of_the_hidden_suite_is_on_a_page(
    tiny: Exercise, handin: Any, grade: Any, outcome: Any, source: str
) -> None:
    content = handin(row_means=source)
    report = grade(tiny, content)
    found, html = page(tiny, content, report)
    shown = outcome(report, "means_are_right").error_map
    assert (shown is not None) == (source == PARTLY)
    assert ("figure", {}) in found.tags
    if shown is not None:
        assert shown.cells == ("02200",)
        assert "row_means(X) is off only at indices 1 and 2." in found.text
    hidden = [
        line.strip()
        for name in ("checks.py", "oracle.py", "misconceptions.py")
        for line in (tiny.folder / name).read_text().splitlines()
        if len(line.strip()) > 12 and '"""' not in line and line.strip() not in source
    ]
    assert len(hidden) > 20
    assert not [line for line in hidden if line in html]
    # Nor what a check expected: no number of the page is a mean of the check's input.
    import numpy as np

    from autograder.seeds import check_rng

    X = check_rng(b"only for tests", "ada", "t1/mean", "means_are_right").normal(
        3.0, 1.0, size=(5, 7)
    )
    body = html[html.index("<body>") :]
    numbers = np.array([float(n) for n in re.findall(r"\d+\.\d{2,}", body)])
    assert not any(np.isclose(numbers, mean, rtol=1e-3).any() for mean in X.mean(axis=1))
    text = report.to_json()
    assert not any(f"{mean:.4g}"[:5] in text for mean in X.mean(axis=1))


def picture(
    tiny: Exercise, handin: Any, report: Report, found: ErrorMap
) -> tuple[Page, dict[str, str]]:
    """The page of a check that failed with a map, and the paths of its picture by class."""
    failed = results(
        tiny,
        which="means_are_right",
        outcome="failed",
        points=0,
        message="It is wrong.",
        error_map=found,
    )
    drawn, html = page(tiny, handin(), replace(report, checks=failed))
    (figure,) = re.findall(r"<figure>(.*?)</figure>", html, re.DOTALL)
    svg = figure[: figure.index("</svg>")]
    return drawn, dict(re.findall(r'<path class="(\w+)" d="([^"]*)"/>', svg))


def test_a_picture_shows_where_an_array_is_off(tiny: Exercise, handin: Any, report: Report) -> None:
    cells = ("001", "023", "444")
    found = ErrorMap("dW", (3, 3), 6, "", cells)
    drawn, paths = picture(tiny, handin, report, found)
    assert set(paths) == {"e0", "e1", "e2", "e3", "e4", "lines", "dots", "bars"}
    # Squares of 20 pixels, neighbours of a step in one: the first two of the first row.
    assert "h40v20h-40z" in paths["e0"]
    assert "h60v20h-60z" in paths["e4"]
    assert [len(paths[f"e{i}"].split("M")) - 1 for i in range(5)] == [2, 1, 1, 1, 1]
    assert paths["dots"].count("M") == 1
    (svg,) = (a for tag, a in drawn.tags if tag == "svg" and a.get("role") == "img")
    assert svg["aria-label"] == "Map of dW, 3 × 3: 6 of 9 entries are off."
    for words in ("off by a little", "off by a lot", "of the wrong sign", "not finite"):
        assert words in drawn.text
    assert drawn.by_tag["text"] == "012012"  # rows and columns
    assert "rows down, columns across" in drawn.text


def test_a_picture_names_only_what_is_in_it(tiny: Exercise, handin: Any, report: Report) -> None:
    drawn, paths = picture(
        tiny, handin, report, ErrorMap("x", (4,), 1, "only at index 2", ("0010",))
    )
    assert set(paths) == {"e0", "e1", "lines"}
    assert "off by a lot" not in drawn.text
    assert "x is off only at index 2." in drawn.text


@pytest.mark.parametrize(
    ("shape", "cells"),
    [
        ((32, 32), ("0123" * 8,) * 32),
        ((1000, 1000), ("01" * 16,) * 32),
        ((8, 8, 9, 9), (*(" ".join(["0110"] * 8),) * 4, "") * 7 + (" ".join(["0110"] * 8),) * 4),
        ((40, 1), ("0",) * 31 + ("2",)),
        ((64, 2, 2), (*("20", "00", "") * 7, "00", "00")),
    ],
)
def test_a_picture_fits_a_phone(
    tiny: Exercise, handin: Any, report: Report, shape: tuple[int, ...], cells: tuple[str, ...]
) -> None:
    drawn, _ = picture(tiny, handin, report, ErrorMap("x", shape, 9, "", cells))
    (svg,) = (a for tag, a in drawn.tags if tag == "svg" and a.get("role") == "img")
    assert int(str(svg["width"])) <= 310
    assert int(str(svg["height"])) <= 310
    assert svg["viewbox"] == f"0 0 {svg['width']} {svg['height']}"


def test_an_unreadable_hand_in_is_told_what_to_do(tiny: Exercise, report: Report) -> None:
    checks = results(tiny, which="means_are_right", outcome="failed", points=0)
    problem = "the file is no notebook: it is not JSON"
    found, _ = page(tiny, None, replace(report, checks=checks, problem=problem))
    assert "Your hand-in could not be read" in found.text
    assert problem in found.text
    assert "mean.ipynb" in found.text
    assert "0 of 9 points" in found.text


def test_a_persons_points_and_comment_are_shown(
    tiny: Exercise, handin: Any, report: Report
) -> None:
    persons = {"question_why": PersonsGrade(1.5, 2.0, "Well put.")}
    found, _ = page(tiny, handin(), report, **persons)
    assert "1.5 / 2" in found.text
    assert "Well put." in found.text
    assert "A person read your answers in words." in found.text


def test_prose_marks_code_and_keeps_lines() -> None:
    assert str(prose("a `x < y` b\nc")) == "a <code>x &lt; y</code> b<br>c"
    assert str(prose("`a\nb`")) == "`a<br>b`"

"""Render a report as a page. All text of the hand-in is escaped; the page needs no script."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
import markupsafe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from ..course import Exercise
from ..handin import Handin
from ..report import CheckResult, Report
from ..watch import TookTooLong, time_limit
from .picture import error_picture, key, layout_words, steps_in

__all__ = ["PersonsGrade", "feedback_page"]

MAX_CODE, COLOUR_SECONDS = 20_000, 1.0
_OUTCOMES = {
    "passed": ("passed", "✓"),
    "failed": ("not yet", "✗"),
    "timeout": ("too slow", "⧗"),
    "crashed": ("crashed", "✗"),
    "could_not_run": ("not run", "!"),
}


@dataclass(frozen=True)
class _Step:
    """One graded step of the page: a function, its checks, and the student's code."""

    name: str
    points: int
    max_points: int
    checks: tuple[CheckResult, ...]
    code: markupsafe.Markup

    @property
    def passed(self) -> bool:
        return self.points == self.max_points


@dataclass(frozen=True)
class PersonsGrade:
    """What a person gave an answer in words: points, out of how many, and a comment."""

    points: float
    max_points: float
    comment: str


def feedback_page(
    exercise: Exercise,
    handin: Handin | None,
    report: Report,
    persons: Mapping[str, PersonsGrade] | None = None,
) -> str:
    """Return the feedback page of a report.

    Parameters
    ----------
    exercise
        What was handed in; titles come from its own text.
    handin
        The student's cells, ``None`` where the file could not be read.
    report
        What grading found.
    persons
        What a person has given the answers in words so far, by the question's name.
    """
    code = {} if handin is None else {c.name: c.source for c in handin.cells if c.is_code}
    steps = [
        _step(name, [c for c in report.checks if c.of == name], code.get(name, ""))
        for name in dict.fromkeys(check.of for check in report.checks)
    ]
    assignment = exercise.folder.parent.name
    return _template().render(
        title=_title(exercise),
        assignment=assignment,
        exercise=exercise.name,
        report=report,
        steps=steps,
        share=report.points / max(report.max_points, 1),
        outcomes=_OUTCOMES,
        first=next((s for s in steps if not s.passed), None),
        open_questions=sum(q.answered for q in report.questions),
        persons=persons or {},
        light=_colours("friendly"),
        dark=_colours("github-dark"),
    )


@functools.cache
def _colours(style: str) -> str:
    # pygments' stubs leave this method without types
    return str(HtmlFormatter(style=style).get_style_defs(".code"))  # type: ignore[no-untyped-call]


def _step(name: str, checks: list[CheckResult], source: str) -> _Step:
    shown = source if len(source) <= MAX_CODE else source[:MAX_CODE] + "\n# (the rest is left out)"
    # What cannot be seen, or turns around what stands beside it, is shown to be there.
    shown = "".join(
        c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown
    )
    code = _coloured(shown) if shown.strip() else markupsafe.Markup()
    points, full = sum(c.points for c in checks), sum(c.max_points for c in checks)
    return _Step(name, points, full, tuple(checks), code)


def _coloured(source: str) -> markupsafe.Markup:
    """Return escaped source, with colours unless it is made to take a highlighter for ever."""
    try:
        with time_limit(COLOUR_SECONDS):
            text = highlight(source, *_highlighter())
            return markupsafe.Markup(text)  # noqa: S704 - pygments escapes
    except TookTooLong:
        return markupsafe.escape(source)


@functools.cache
def _highlighter() -> tuple[Any, Any]:
    return PythonLexer(), HtmlFormatter(nowrap=True)


def _title(exercise: Exercise) -> str:
    for cell in exercise.text.of_kind("text"):
        found = re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE)
        if found:
            return re.sub(r"[*`$]", "", found.group(1)).strip()
    return exercise.name


def prose(text: str) -> markupsafe.Markup:
    """Return escaped text with ``code`` between backquotes marked as such, and lines kept."""
    escaped = str(markupsafe.escape(text))
    marked = re.sub(r"`([^`\n]{1,300})`", r"<code>\1</code>", escaped)
    return markupsafe.Markup(marked.replace("\n", "<br>"))  # noqa: S704 - escaped above


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder.feedback", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"prose": prose, "picture": error_picture}
    environment.filters |= {"steps": steps_in, "layout": layout_words, "key": key}
    return environment.get_template("page.html.j2")

"""Render the class report: one page that needs no network and, to be read, no script."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from collections.abc import Sequence
from urllib.parse import quote

import jinja2
import markupsafe

from ..feedback.page import prose
from .charts import points_histogram
from .similar import Similar
from .statistics import ClassNumbers

__all__ = ["class_page"]

MAX_SIMILAR, FIRST_MISTAKES = 60, 10
MAX_TROUBLES = 400
MAX_DETAIL = 600


def class_page(numbers: ClassNumbers, similar: Sequence[Similar]) -> str:
    """Return the page of a class.

    Parameters
    ----------
    numbers
        What :func:`~autograder.classreport.statistics.summarise` found.
    similar
        Hand-ins that are nearly the same, the most alike first.
    """
    script = _resource("page.js")
    charts = {
        e.id: points_histogram(e.points, e.max_points, f"Points in {e.id}", width=4.2, height=1.9)
        for e in numbers.exercises
    }
    whole = f"Points in {numbers.assignment}, all exercises"
    return _template().render(
        numbers=numbers,
        similar=similar[:MAX_SIMILAR],
        more_similar=len(similar) - MAX_SIMILAR,
        troubles=numbers.troubles[:MAX_TROUBLES],
        more_troubles=len(numbers.troubles) - MAX_TROUBLES,
        whole=points_histogram(numbers.totals, numbers.max_points, whole),
        charts=charts,
        style=markupsafe.Markup(_resource("page.css")),  # noqa: S704 - our own
        script=markupsafe.Markup(script),  # noqa: S704 - our own
        script_hash=_hash(script),
        full=sum(t == numbers.max_points for t in numbers.totals),
        first_mistakes=FIRST_MISTAKES,
    )


def _hash(script: str) -> str:
    """Return what the page's policy calls its one script by: no other may run."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _feedback(student: str, exercise: str) -> str:
    return "../feedback/" + quote(student, safe="") + "/" + quote(exercise) + ".html"


def _resource(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _shortened(text: str) -> str:
    """Return the end of a long text: of a traceback, that is where the reason stands."""
    return text if len(text) <= MAX_DETAIL else "…" + text[1 - MAX_DETAIL :]


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder.classreport", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"prose": prose, "shortened": _shortened}
    environment.globals |= {"feedback": _feedback}
    return environment.get_template("page.html.j2")

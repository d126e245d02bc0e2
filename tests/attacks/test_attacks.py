"""Hostile hand-ins, one after the other through one sandbox: none gains, none leaks, none lasts."""

from __future__ import annotations

import ast
import io
import json
import os
import platform
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from attack_harness import (
    CORPUS,
    UNEARNABLE,
    Attack,
    Graded,
    Witness,
    grade,
    handin_of,
    read_attacks,
)
from attack_planting import Planted
from rich.console import Console

from autograder.makeup import blank
from autograder.sandbox import Mechanism, Zygote
from autograder.views import print_report


def test_the_corpus_is_there() -> None:
    attacks = read_attacks(CORPUS) + read_attacks(CORPUS / "notebooks")
    assert len(attacks) >= 100
    assert len({attack.aim for attack in attacks}) == len(attacks)
    assert all(attack.fields.keys() >= {"Ends", "Says"} for attack in read_attacks(CORPUS))


def test_hostile_code_gains_nothing(
    attack: Attack, planted: Planted, zygote: Zygote, witness: Witness
) -> None:
    machine = attack.fields.get("Machine", platform.machine())
    if machine != platform.machine():
        pytest.skip(f"written for {machine}")
    names = {n.name for n in ast.parse(attack.source).body if isinstance(n, ast.FunctionDef)}
    # A blank cell would define the other function again, as one that raises.
    sources = {"row_means": attack.source, "centre": "" if "centre" in names else blank_centre()}
    graded = grade(planted, zygote, handin_of(planted.exercise, sources), "eve")
    result = graded.result(attack.check)
    told = f"{result.message}\n{result.printed}"
    assert re.fullmatch(attack.fields["Ends"], result.outcome), told
    assert re.search(attack.fields["Says"], told, re.DOTALL), told
    assert_nothing_gained(graded, planted)
    witness.assert_nothing_changed()


def test_a_hostile_notebook_gains_nothing(
    notebook_attack: Attack, planted: Planted, zygote: Zygote, witness: Witness
) -> None:
    build: dict[str, Any] = {}
    exec(notebook_attack.source, build)  # noqa: S102 - our own file
    content = build["build"](json.loads(blank(planted.exercise)))
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    graded = grade(planted, zygote, content, "eve")
    told = " ".join([graded.report.problem or "", *graded.report.notes])
    assert re.search(notebook_attack.fields.get("Says", ""), told, re.DOTALL), told
    assert_nothing_gained(graded, planted)
    witness.assert_nothing_changed()


def test_the_corpus_would_notice_a_hole(
    mechanism: Mechanism, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same attacks, in a sandbox that shows what it should hide: the canaries come out."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", os.environ["CANARY"])
    leaks = {}
    with Zygote(mechanism) as zygote:
        packages = {**zygote._view.packages, "course": planted.root}
        zygote._stop()
        zygote._view = replace(zygote._view, packages=packages)
        for attack in read_attacks(CORPUS):
            if attack.name in ("read_hidden_suite", "read_environment"):
                content = handin_of(planted.exercise, {"row_means": attack.source})
                leaks[attack.name] = planted.leaks(*grade(planted, zygote, content, "eve").texts)
    assert {"checks", "oracle", "misconceptions"} & set(leaks["read_hidden_suite"])
    assert "the grader's environment" in leaks["read_environment"]


def blank_centre() -> str:
    return 'def centre(X):\n    raise NotImplementedError("centre is not written yet")'


def assert_nothing_gained(graded: Graded, planted: Planted) -> None:
    for check in graded.report.checks:
        # The grader's own fault costs no points, so that causing one would earn them.
        assert check.outcome != "could_not_run", check.detail
        assert check.outcome == "passed" or check.points == 0
        assert check.outcome != "passed" or check.name not in UNEARNABLE
    assert planted.leaks(*graded.texts) == []
    assert_harmless_page(graded.page)
    assert_harmless_notebook(graded.notebook, planted)
    assert_harmless_console(graded)
    assert len(graded.report.to_json()) < 200_000


# What readers open --------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}


def assert_harmless_page(page: str) -> None:
    parser = _Page()
    parser.feed(page)
    allowed = (
        "html head meta title link style body main p h1 h2 b div strong small i ul li a section"
    )
    allowed += " header span code pre details summary br footer figure figcaption svg path text"
    assert parser.tags <= set(allowed.split())
    known = "lang charset name content rel href class id title role style aria-label open"
    known += " aria-hidden viewbox width height d x y"
    assert parser.attributes <= set(known.split())
    assert all(link.startswith("#") or link == "data:," for link in parser.links)
    assert not _control_characters(page)


def assert_harmless_notebook(text: str, planted: Planted) -> None:
    notebook = json.loads(text)
    ours = planted.exercise.text.notebook
    assert notebook["metadata"] == ours.metadata
    known = {cell["id"]: cell for cell in ours.cells}
    for cell in notebook["cells"]:
        own = known.get(cell["id"])
        assert cell["metadata"] == (own["metadata"] if own else {})
        assert "attachments" not in cell
        for output in cell.get("outputs", []):
            assert (output["output_type"], output["name"]) == ("stream", "stdout")
            assert not _control_characters("".join(output["text"]))


def assert_harmless_console(graded: Graded) -> None:
    screen = io.StringIO()
    print_report(Console(file=screen, force_terminal=True, width=100), graded.report)
    plain = re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue())  # colours are the console's own
    assert not _control_characters(plain)


def _control_characters(text: str) -> list[str]:
    return sorted({c for c in text if c not in "\n\t" and not c.isprintable() and c != "\xa0"})

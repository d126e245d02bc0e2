"""What an instructor opens: nbgrader's formgrader on a graded class, the class report, feedback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import expect

from autograder.build import build
from autograder.classreport import class_report
from autograder.classroom import grade_class
from autograder.course import Course
from autograder.graders import local_graders
from autograder.makeup import blank, misconception_source, reference, with_solution
from autograder.sandbox import choose_mechanism

from .conftest import ROOT, TOKEN, Tab, until

TINY = ROOT / "tests" / "autograder" / "course"
COMMENT = "Well argued, but say what happens to a constant row."
HOSTILE = "<script>document.title='mine'</script><img src=x onerror=alert(1)>"
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


def grade(root: Path, **options: Any) -> None:
    course = Course(root)
    graders = local_graders(course, choose_mechanism(unsafe=True))
    grade_class(course, course.assignment("t1"), graders, **options)


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small class, graded; not to be written to."""
    root = tmp_path_factory.mktemp("class") / "course"
    shutil.copytree(TINY, root, ignore=shutil.ignore_patterns("__pycache__"))
    course = Course(root)
    (exercise,) = course.select("t1/mean")
    build(course, [exercise])
    wrong = exercise.misconceptions[0]
    attack = f"def {wrong.of}(X):\n    raise ValueError({HOSTILE!r})"
    hand_ins = {
        "ada": reference(exercise),
        "bob": with_solution(exercise, wrong.of, misconception_source(wrong)),
        "eve": with_solution(exercise, wrong.of, attack),
        "zoe": blank(exercise),
    }
    for student, content in hand_ins.items():
        folder = root / "submitted" / student / "t1"
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(content)
    grade(root)
    class_report(course, course.assignment("t1"))
    return root


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_nothing_complains(
    graded_class: Path, open_tab: Callable[..., Tab], size: str, scheme: str
) -> None:
    """Also when opened as files, without a network, with markup in what a hand-in said."""
    width, height = SIZES[size]
    pages = [
        *sorted(graded_class.glob("feedback/*/t1/mean.html")),
        graded_class / "reports/t1.html",
    ]
    assert len(pages) == 5
    for path in pages:
        tab = open_tab(width, height, color_scheme=scheme, offline=True)
        tab.page.goto(path.as_uri())
        assert tab.problems == [], path
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert tab.page.title() != "mine"
        assert tab.page.locator("img[src='x']").count() == 0
    page = open_tab(width, height, color_scheme=scheme).page
    page.goto((graded_class / "feedback/eve/t1/mean.html").as_uri())
    expect(page.get_by_text("document.title='mine'").first).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_of_where_an_array_is_off_can_be_read(
    graded_class: Path, open_tab: Callable[..., Tab], size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    page = open_tab(width, height, color_scheme=scheme).page
    page.goto((graded_class / "feedback/bob/t1/mean.html").as_uri())
    picture = page.get_by_role("img", name="Map of centre(X), 3 × 4:").first
    expect(picture).to_be_visible()
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= width
    assert box["width"] >= 4 * 20
    card = page.locator("section").first.evaluate("card => getComputedStyle(card).backgroundColor")
    keys = page.locator("figcaption").first.locator("path[class^=e]")
    fills = keys.evaluate_all("paths => paths.map(path => getComputedStyle(path).fill)")
    assert len(fills) > 1
    assert len({*fills, card}) == len(fills) + 1
    page.emulate_media(media="print", color_scheme=scheme)
    expect(picture).to_be_visible()


def test_the_class_report_sorts_filters_and_leads_to_feedback(
    graded_class: Path, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab()
    tab.page.goto((graded_class / "reports/t1.html").as_uri())
    rows = tab.page.locator("#table-students tbody tr:visible")
    expect(rows).to_have_count(4)
    tab.page.locator("#table-students th").filter(has_text="all /").click()
    expect(rows.first).to_contain_text("ada")
    tab.page.get_by_label("Find a student", exact=True).fill("bob")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").click()
    expect(tab.page.get_by_text("bob").first).to_be_visible()
    assert tab.problems == []


def test_an_instructors_points_and_words_survive_a_regrade(
    serve: Callable[[Path], str],
    open_tab: Callable[..., Tab],
    graded_class: Path,
    tmp_path: Path,
) -> None:
    root = Path(shutil.copytree(graded_class, tmp_path / "course"))
    tab = open_tab()
    page = tab.page
    address = serve(root)
    page.goto(f"{address}/formgrader?token={TOKEN}")
    page.goto(f"{address}/formgrader/gradebook/t1/mean")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        submission = book.find_submission_notebook("mean", "t1", "ada").id
        scores = {s.student.id: s.score for s in book.assignment_submissions("t1")}
    shown = " ".join(rows.all_text_contents())
    for score in scores.values():
        assert f"{score:g} / " in " ".join(shown.split())

    page.goto(f"{address}/formgrader/submissions/{submission}/")
    box = page.locator("input.score").last
    expect(box).to_be_visible()
    comment = page.locator("textarea.comment").last

    def write() -> None:
        # What was typed before the page's own program is ready is lost: a person would see that.
        for field, text in ((box, "1.5"), (comment, COMMENT)):
            field.fill("")
            field.fill(text)
            field.press("Tab")

    def given() -> tuple[float | None, str | None]:
        with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
            grade = book.find_grade("question_why", "mean", "t1", "ada")
            said = book.find_comment("question_why", "mean", "t1", "ada")
            return grade.manual_score, said.manual_comment

    until(lambda: given() == (1.5, COMMENT), write)
    grade(root, again=True)
    assert given() == (1.5, COMMENT)
    page.goto(f"{address}/formgrader/gradebook/t1/mean")
    expect(rows.filter(has_text=f"{scores['ada'] + 1.5:g} / ").first).to_be_visible()
    feedback = open_tab().page
    feedback.goto((root / "feedback/ada/t1/mean.html").as_uri())
    expect(feedback.get_by_text(COMMENT)).to_be_visible()
    expect(feedback.get_by_text("1.5 / 2")).to_be_visible()

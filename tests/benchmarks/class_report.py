"""Time and size of the class report for a made-up class.

    python tests/benchmarks/class_report.py [--students 500] [--exercises 6] [--folder FOLDER]

Exercises are copies of the course's own. Hand-ins are its right and wrong solutions with outputs of
the size that notebooks have, reports are drawn at random; nothing is graded. With --folder the
course stays there to be looked at.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from autograder.classreport import class_report
from autograder.course import Course, Exercise
from autograder.makeup import blank, from_style, misconception_source, reference, with_solution
from autograder.report import CheckResult, Report

ROOT = Path(__file__).resolve().parents[2]
OUTPUT_BYTES = 300_000


def make_course(folder: Path, exercises: int) -> Course:
    """Copy the first assignment's exercises, under new names, until there are enough."""
    own = next(iter(Course(ROOT).assignments.values()))
    names = []
    for i in range(exercises):
        exercise = own.exercises[i % len(own.exercises)]
        name = exercise.name if i < len(own.exercises) else f"{exercise.name}_{i}"
        shutil.copytree(exercise.folder, folder / "assignments" / own.name / name)
        names.append(name)
    text = f'title = "{own.title}"\nexercises = {json.dumps(names)}\ndataset = "{own.dataset}"\n'
    (folder / "assignments" / own.name / "assignment.toml").write_text(text)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    return Course(folder)


def sources(exercise: Exercise) -> list[bytes]:
    """Return different hand-ins of an exercise."""
    made = [reference(exercise), blank(exercise)]
    made += [from_style(exercise, path) for path in exercise.styles()]
    for wrong in exercise.misconceptions:
        made.append(with_solution(exercise, wrong.of, misconception_source(wrong)))
    return made


def hand_in(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a hand-in as it comes from a student: names of one's own, and outputs."""
    notebook = json.loads(content)
    mine = f"tmp{rng.integers(10**6)}"
    picture = "A" * (OUTPUT_BYTES // 3)
    outputs = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            lines = "".join(cell["source"]).split("\n")
            for _ in range(rng.integers(0, 6)):
                where = int(rng.integers(1, len(lines) + 1))
                indent = len(lines[where - 1]) - len(lines[where - 1].lstrip())
                extra = f"{mine} = {rng.integers(9)} + {mine}[{rng.integers(9)}] * 2"
                lines.insert(where, " " * indent + extra)
            cell["source"] = "\n".join(lines)
        elif outputs < 3:
            outputs += 1
            data = {"image/png": picture}
            cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    return json.dumps(notebook).encode()


def report(exercise: Exercise, student: str, skill: float, rng: np.random.Generator) -> Report:
    """Draw a report: the better a student, the more passes."""
    grader = {"version": "1", "suite": exercise.suite}
    if rng.random() < 0.01:
        problem = "the file is no notebook: it is not JSON"
        checks = tuple(result(c, "failed", f"Not graded: {problem}.") for c in exercise.checks)
        return Report(exercise.id, student, checks, problem=problem, grader=grader)
    checks = []
    for check in exercise.checks:
        wrong = [m for m in exercise.misconceptions if m.caught_by == check.name]
        if rng.random() < skill:
            checks.append(result(check, "passed"))
        elif rng.random() < 0.5 and wrong:
            # the first ones of the list are the common ones
            chosen = wrong[min(int(rng.exponential(0.8)), len(wrong) - 1)]
            checks.append(result(check, "failed", "It differs.", chosen.name, chosen.hint))
        else:
            outcome = rng.choice(["failed", "timeout", "crashed", "could_not_run"], p=DRAWN)
            checks.append(result(check, str(outcome), "It differs from what it should be."))
    seconds = float(rng.lognormal(0, 0.7))

    return Report(exercise.id, student, tuple(checks), seconds=round(seconds, 2), grader=grader)


DRAWN = [0.93, 0.04, 0.025, 0.005]


def result(check, outcome, message="", misconception=None, hint=None) -> CheckResult:
    lost = outcome == "could_not_run"
    points = check.points if outcome == "passed" or lost else 0
    detail = "Traceback (most recent call last):\n" + "  …\n" * 20 if lost else ""
    return CheckResult(
        check.name, check.of, check.description, outcome, points, check.points, message,
        misconception, hint, 0.02, "printed\n" * 20, detail,
    )  # fmt: skip


def make_class(course: Course, students: int) -> None:
    """Write submitted/ and reports/."""
    rng = np.random.default_rng(0)
    (assignment,) = course.assignments.values()
    contents = {e.name: sources(e) for e in assignment.exercises}
    for number in range(students):
        student, skill = f"student{number:03}", float(rng.beta(5, 1.6))
        for exercise in assignment.exercises:
            if rng.random() < 0.04:
                continue
            place = Path(student, assignment.name)
            (course.root / "submitted" / place).mkdir(parents=True, exist_ok=True)
            content = contents[exercise.name][rng.integers(len(contents[exercise.name]))]
            path = course.root / "submitted" / place / f"{exercise.name}.ipynb"
            path.write_bytes(hand_in(content, rng))
            path = course.root / "reports" / place / f"{exercise.name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(report(exercise, student, skill, rng).to_json(), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--exercises", type=int, default=6)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="class-report-"))
    course = make_course(folder, arguments.exercises)
    make_class(course, arguments.students)
    start = time.perf_counter()
    fresh = Course(folder)
    made = class_report(fresh, next(iter(fresh.assignments.values())))
    seconds = time.perf_counter() - start
    size = made.files["page"].stat().st_size
    print(f"{arguments.students} students x {arguments.exercises} exercises")
    print(f"{made.numbers.handins} hand-ins, {len(made.similar)} near-identical")
    print(f"{seconds:.1f} s, page {size / 1e6:.2f} MB")
    if arguments.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

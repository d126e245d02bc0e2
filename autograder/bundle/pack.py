"""Put together what students receive, look through it, and only then write it."""

from __future__ import annotations

import importlib.resources
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..build.leaks import secret_lines
from ..course import Assignment, Course, Exercise
from ..errors import CourseError, UserError
from .scan import scan
from .wheel import library_files, make_wheel, write_zip

__all__ = ["Bundle", "make_bundle"]

# The same for every assignment: unpacked over each other, they lie side by side.
FOLDER = "cs231n"


@dataclass(frozen=True)
class Bundle:
    """A written bundle: the file, and what is in it by place, with sizes in bytes."""

    path: Path
    files: dict[str, int]


def make_bundle(course: Course, assignment: Assignment, output: Path | None = None) -> Bundle:
    """Write the bundle of an assignment.

    Parameters
    ----------
    course, assignment
        What to pack: ``release/`` as it is, which has to be up to date.
    output
        The file to write; ``cs231n-<assignment>.zip`` in the course's folder by default.

    Raises
    ------
    UserError
        If it is not released, or the file cannot be written.
    CourseError
        If something hidden would be in it; then nothing is written.
    """
    target = output or course.root / f"cs231n-{assignment.name}.zip"
    if target.suffix != ".zip":
        raise UserError(f"{target} does not end in .zip.")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent}.")
    files = _files(course, assignment)
    content = write_zip(files)
    leaks = scan(content, course, secret_lines(course.select(None)))
    if leaks:
        raise CourseError(f"{assignment.name} is not bundled: {' '.join(leaks[:10])}")
    _write(target, content)
    return Bundle(target, {place: len(data) for place, data in files.items()})


def _files(course: Course, assignment: Assignment) -> dict[str, bytes]:
    resources = importlib.resources.files(__package__)
    folder = f"{FOLDER}/{assignment.name}"
    files = {
        f"{FOLDER}/README.md": resources.joinpath("START.md").read_bytes(),
        f"{FOLDER}/set_up.py": resources.joinpath("set_up.py.txt").read_bytes(),
        f"{folder}/course.toml": _course_file(assignment).encode(),
    }
    released = course.root / "release" / assignment.name
    for exercise in assignment.exercises:
        path = released / f"{exercise.name}.ipynb"
        if not path.is_file():
            raise UserError(
                f"release/{exercise.id}.ipynb is missing: run `autograder build` first."
            )
        if not _is_current(path, exercise):
            raise UserError(
                f"release/{exercise.id}.ipynb is older than its text: run `autograder build` first."
            )
        files[f"{folder}/{exercise.name}.ipynb"] = path.read_bytes()
    files |= {f"{folder}/{path.name}": path.read_bytes() for path in assignment.handout}
    name, wheel = make_wheel(library_files())
    files[f"{FOLDER}/packages/{name}"] = wheel
    return files


def _is_current(path: Path, exercise: Exercise) -> bool:
    """Whether a released notebook was made from the exercise's text as it is now."""
    try:
        built_from = json.loads(path.read_text(encoding="utf-8"))["metadata"]["companion"]["text"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(built_from == exercise.text.sha256)


def _course_file(assignment: Assignment) -> str:
    """Return ``course.toml``: the dataset, and what each notebook has to hold to be handed in."""
    lines = [
        f"dataset = {json.dumps(assignment.dataset)}",
        f"assignment = {json.dumps(assignment.name)}",
        "",
        "# The cells that each notebook has to hold: `cs231n submit` looks for them.",
        "[exercises]",
    ]
    for exercise in assignment.exercises:
        cells = exercise.text.of_kind("solution") + exercise.text.of_kind("question")
        lines.append(f"{json.dumps(exercise.name)} = {json.dumps([c.name for c in cells])}")
    return "\n".join(lines) + "\n"


def _write(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

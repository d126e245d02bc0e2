"""The course as a folder: assignments, exercises, and what each exercise folder holds."""

from __future__ import annotations

import datetime
import functools
import gc
import hashlib
import importlib
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .authoring import Check, Misconception, Threshold
from .errors import CourseError, UserError
from .reference import Reference
from .text import NotebookText
from .worker.cells import Cell

__all__ = ["PICTURES", "Assignment", "Course", "Exercise"]

# What may go with a handout to students besides text.
PICTURES = frozenset([".jpg", ".png"])
_FILES = ("notebook.py", "checks.py", "oracle.py", "misconceptions.py")


@dataclass(frozen=True)
class Exercise:
    """One exercise folder.

    Attributes
    ----------
    assignment, name
        ``a1`` and ``softmax``.
    folder
        ``assignments/a1/softmax``.
    """

    assignment: str
    name: str
    folder: Path
    dataset: str

    @property
    def id(self) -> str:
        """``a1/softmax``."""
        return f"{self.assignment}/{self.name}"

    @functools.cached_property
    def text(self) -> NotebookText:
        """The notebook, read from its text."""
        return NotebookText.read(self.folder / "notebook.py", self.name)

    @functools.cached_property
    def checks(self) -> tuple[Check, ...]:
        """The hidden checks, in the order of the file."""
        return tuple(v for v in vars(self._module("checks")).values() if isinstance(v, Check))

    @functools.cached_property
    def misconceptions(self) -> tuple[Misconception, ...]:
        """The known-wrong solutions, in the order of the file."""
        module = vars(self._module("misconceptions"))
        return tuple(v for v in module.values() if isinstance(v, Misconception))

    @functools.cached_property
    def builds_on(self) -> tuple[Exercise, ...]:
        """The exercises that its notebook takes definitions from, each after what it builds on.

        Raises
        ------
        CourseError
            If there is no such exercise, or it builds on this one.
        """
        return self._builds_on(())

    def _builds_on(self, later: tuple[str, ...]) -> tuple[Exercise, ...]:
        if self.id in later:
            circle = " and ".join(later[later.index(self.id) :])
            raise CourseError(
                f"An exercise cannot build on itself, nor two on each other: {circle}."
            )
        found: dict[str, Exercise] = {}
        for name in self.text.notebooks:
            earlier = self._named(name)
            found |= {e.id: e for e in (*earlier._builds_on((*later, self.id)), earlier)}
        return tuple(found.values())

    def _named(self, notebook: str) -> Exercise:
        """Return the exercise that a notebook's name means here: in this assignment, or any."""
        own, _, name = notebook.rpartition("/")
        course = self.folder.parents[1]
        places = [course / own / name] if own else [self.folder.parent / name]
        if not own and not places[0].is_dir():
            places = sorted(path.parent for path in course.glob(f"*/{name}/notebook.py"))
        if len(places) != 1 or not (places[0] / "notebook.py").is_file():
            which = "several exercises are" if len(places) > 1 else "no exercise is"
            raise CourseError(f"{self.id}: from_notebook({notebook!r}), but {which} called so.")
        assignment = _read_assignment(places[0].parent / "assignment.toml")
        (exercise,) = (e for e in assignment.exercises if e.name == name)
        return exercise

    @functools.cached_property
    def reference(self) -> Reference:
        """The reference solution.

        Raises
        ------
        CourseError
            If the notebook's own definitions do not run.
        """
        try:
            return Reference(
                (Cell(cell.name, cell.source) for cell in self.text.definition_cells),
                {earlier.id: earlier.reference for earlier in self.builds_on},
            )
        except Exception as error:
            raise CourseError(
                f"{self.id}/notebook.py: a definition in it fails: {error!r}."
            ) from error

    @functools.cached_property
    def notebooks(self) -> dict[str, bytes]:
        """What ``from_notebook`` gives when grading: id -> compiled reference, in usable order."""
        return {earlier.id: earlier.reference.compiled() for earlier in self.builds_on}

    @property
    def refused(self) -> tuple[str, ...]:
        """Modules that are there and yet not allowed: ``REFUSED`` in ``checks.py``."""
        return tuple(getattr(self._module("checks"), "REFUSED", ()))

    @property
    def thresholds(self) -> dict[str, dict[str, Threshold]]:
        """The accuracy thresholds of ``checks.py``: name -> dataset -> threshold."""
        found = {}
        for name, value in vars(self._module("checks")).items():
            if (
                isinstance(value, dict)
                and value
                and all(isinstance(v, Threshold) for v in value.values())
            ):
                found[name] = value
        return found

    @functools.cached_property
    def suite(self) -> str:
        """SHA-256 of the hidden suite: checks, oracle, misconceptions, texts of the references."""
        digest = hashlib.sha256()
        for name in _FILES:
            digest.update((self.folder / name).read_bytes() + b"\0")
        for earlier in self.builds_on:
            digest.update(earlier.text.sha256.encode() + b"\0")
        return digest.hexdigest()

    def max_points(self, name: str) -> int:
        """Points of all checks of a function."""
        return sum(check.points for check in self.checks if check.of == name)

    def styles(self) -> tuple[Path, ...]:
        """Correct solutions in other styles: the files of ``styles/``."""
        return tuple(sorted((self.folder / "styles").glob("*.py")))

    def forget(self) -> None:
        """Let go of the suite's files and of the data that they keep; used again, they are loaded.

        A dataset as rows of floats is a hundred megabytes and more, and each suite has its own.
        """
        for name in ("checks", "misconceptions"):
            vars(self).pop(name, None)
        for module in [m for m in sys.modules if m.split(".")[0] == self._package]:
            del sys.modules[module]
        gc.collect()

    @property
    def _package(self) -> str:
        return f"_exercise_{self.assignment}_{self.name}"

    def _module(self, name: str) -> ModuleType:
        # A package of its own for each exercise, so that `from . import oracle` works in it and
        # two exercises with a file of the same name never meet.
        package = self._package
        full = f"{package}.{name}"
        parent = sys.modules.get(package)
        if parent is None or list(parent.__path__) != [str(self.folder)]:
            for stale in [m for m in sys.modules if m.startswith(f"{package}.")]:
                del sys.modules[stale]
            parent = ModuleType(package)
            parent.__path__ = [str(self.folder)]
            sys.modules[package] = parent
        try:
            return importlib.import_module(full)
        except CourseError:
            raise
        except Exception as error:
            raise CourseError(f"{self.id}/{name}.py cannot be loaded: {error!r}.") from error


@dataclass(frozen=True)
class Assignment:
    """One assignment: its title, its exercises in order, its due date and its dataset."""

    name: str
    folder: Path
    title: str
    due: datetime.datetime | None
    dataset: str
    exercises: tuple[Exercise, ...]

    @property
    def handout(self) -> tuple[Path, ...]:
        """The handout, if there is one, and the pictures that stand beside it."""
        text = self.folder / "README.md"
        pictures = (p for p in self.folder.iterdir() if p.suffix in PICTURES)
        return (text, *sorted(pictures)) if text.is_file() else ()


class Course:
    """A course root: the folder that holds ``assignments/``.

    Raises
    ------
    UserError
        If the folder is no course root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not (self.root / "assignments").is_dir():
            raise UserError(f"{self.root} is no course: it has no folder assignments/.")

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """Return the course that a folder lies in.

        Raises
        ------
        UserError
            If neither the folder nor one above it holds ``assignments/``.
        """
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "assignments").is_dir() and (folder / "nbgrader_config.py").is_file():
                return cls(folder)
        raise UserError(f"No course here: neither {here} nor a folder above it holds assignments/.")

    @functools.cached_property
    def assignments(self) -> dict[str, Assignment]:
        """All assignments by name."""
        files = sorted(self.root.glob("assignments/*/assignment.toml"))
        return {path.parent.name: _read_assignment(path) for path in files}

    def assignment(self, name: str) -> Assignment:
        """Return an assignment by name.

        Raises
        ------
        UserError
            If there is none of that name.
        """
        if name not in self.assignments:
            known = ", ".join(self.assignments) or "none"
            raise UserError(f"There is no assignment {name!r}; there are: {known}.")
        return self.assignments[name]

    def select(self, target: str | None) -> tuple[Exercise, ...]:
        """Return the exercises that ``a1``, ``a1/softmax`` or nothing names.

        Raises
        ------
        UserError
            If the target names none.
        """
        if target is None:
            return tuple(e for a in self.assignments.values() for e in a.exercises)
        name, _, exercise = target.strip("/").partition("/")
        assignment = self.assignment(name)
        if not exercise:
            return assignment.exercises
        chosen = tuple(e for e in assignment.exercises if e.name == exercise)
        if not chosen:
            known = ", ".join(e.id for e in assignment.exercises)
            raise UserError(f"There is no exercise {target!r}; there are: {known}.")
        return chosen

    def checks(self, names: Sequence[str]) -> dict[str, tuple[Check, ...]]:
        """Return the checks that names such as ``a1/softmax:gradient_is_correct`` mean.

        Raises
        ------
        UserError
            If a name means none.
        """
        found: dict[str, tuple[Check, ...]] = {}
        for name in names:
            exercise, _, check = name.partition(":")
            if not check or "/" not in exercise:
                raise UserError(
                    f"A check is named EXERCISE:CHECK, as in a1/softmax:gradient_is_correct; "
                    f"got {name!r}."
                )
            (chosen,) = self.select(exercise)
            own = {c.name: c for c in chosen.checks}
            if check not in own:
                raise UserError(f"{chosen.id} has no check {check!r}; it has: {', '.join(own)}.")
            found[chosen.assignment] = (*found.get(chosen.assignment, ()), own[check])
        return found


def _read_assignment(path: Path) -> Assignment:
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        names, dataset = content["exercises"], str(content["dataset"])
        title, due = str(content["title"]), content.get("due")
    except (ValueError, KeyError) as error:  # no TOML, or not in UTF-8
        raise CourseError(f"{path} lacks or garbles a field: {error}.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CourseError(f"{path}: exercises is a list of their folders' names, got {names!r}.")
    if len(set(names)) < len(names):
        raise CourseError(f"{path}: exercises names one of them twice.")
    if due is not None and not isinstance(due, datetime.datetime):
        raise CourseError(
            f"{path}: due is a date and time such as 2027-01-31T23:59:00Z, got {due!r}."
        )
    folder, name = path.parent, path.parent.name
    exercises = tuple(Exercise(name, e, folder / e, dataset) for e in names)
    present = {p.parent.name for p in folder.glob("*/notebook.py")}
    if present != set(names):
        odd = ", ".join(sorted(present ^ set(names)))
        raise CourseError(f"{path}: folders and the list of exercises differ in {odd}.")
    for exercise in exercises:
        for file in _FILES:
            if not (exercise.folder / file).is_file():
                raise CourseError(f"{exercise.id} has no {file}.")
    return Assignment(name, folder, title, due, dataset, exercises)

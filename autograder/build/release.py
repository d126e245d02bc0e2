"""Release an assignment through nbgrader's own converter, into a scratch folder first."""

from __future__ import annotations

import logging
import os
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets import TraitError
from traitlets.config import Config, PyFileConfigLoader

from ..errors import CourseError

__all__ = ["course_directory", "generate", "nbgrader_config", "own_scripts_on_path"]


def nbgrader_config(root: Path) -> Any:
    """Return the settings of ``nbgrader_config.py`` in a course root.

    Raises
    ------
    CourseError
        If the file is missing or does not run.
    """
    config = Config()
    try:
        config.merge(PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config())
    except Exception as error:
        raise CourseError(f"{root / 'nbgrader_config.py'} cannot be loaded: {error!r}.") from error
    return config


def course_directory(root: Path, db: str | None = None) -> Any:
    """Return nbgrader's view of a course root: its folders and its database (`db`, or its own)."""
    directory = CourseDirectory(config=nbgrader_config(root))
    directory.root = str(root)
    if db is not None:
        directory.db_url = db
    return directory


def generate(
    root: Path, assignment: str, target: str, notebook: str = "*", db: str | None = None
) -> Path:
    """Run nbgrader's ``generate_assignment`` and return the folder it wrote.

    Parameters
    ----------
    root, assignment
        The course and ``a1``.
    target
        Folder in the course root to write to instead of ``release``.
    notebook
        One notebook of the assignment, or all.
    db
        The gradebook that learns of the assignment; by default nbgrader's own choice.

    Raises
    ------
    CourseError
        If nbgrader refuses.
    """
    directory = course_directory(root, db)
    directory.assignment_id, directory.notebook_id = assignment, notebook
    directory.release_directory = target
    converter = GenerateAssignment(coursedir=directory, config=directory.config)
    records = _Records()
    converter.log = logging.getLogger("autograder.nbgrader")
    converter.log.propagate = False
    converter.log.handlers = [records]
    try:
        with own_scripts_on_path():
            converter.start()
    except (NbGraderException, ImportError, TraitError) as error:
        reason = records.reason or str(error)
        raise CourseError(f"nbgrader could not release {assignment}: {reason}") from error
    return root / target / assignment


@contextmanager
def own_scripts_on_path() -> Iterator[None]:
    """Let nbgrader find ``alembic``, which it calls by name to make a gradebook.

    In a virtual environment that is not activated, no script of it is on the path.
    """
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), before))
    try:
        yield
    finally:
        os.environ["PATH"] = before


class _Records(logging.Handler):
    """Keep what nbgrader says is wrong: its exceptions refer to its log.

    Attributes
    ----------
    reason
        The error that ended it, if it logged one, else the first thing that it said.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip()
        if text.startswith("Traceback"):
            self.reason = text.splitlines()[-1][:400]
        elif not self.reason:
            self.reason = " ".join(text.split())[:400]

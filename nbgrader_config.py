"""nbgrader's settings: its commands and ours work in this folder, on one gradebook."""

from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    LockCells,
    SaveCells,
)

from autograder.nbgrader_autograde import AutogradeExporter
from autograder.nbgrader_feedback import FeedbackExporter
from autograder.nbgrader_parts import NamedStubs

c = get_config()  # noqa: F821 - defined by traitlets, which runs this file

c.CourseDirectory.course_id = "cs231n"
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    ".pytest_cache",
    "feedback",
    ".*",
]

# As nbgrader's own list, but for the stubs, which name what is to be written.
c.GenerateAssignment.preprocessors = [
    LockCells,
    NamedStubs,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]

# Hand-ins run in the sandbox, checks outside; lateness and its penalties are nbgrader's own.
c.Autograde.exporter_class = AutogradeExporter
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = [AssignLatePenalties]

# Feedback pages come from the reports, with what a person gave and said added from the gradebook.
c.GenerateFeedback.exporter_class = FeedbackExporter
c.GenerateFeedback.preprocessors = []

"""Build, grade and verify the course: the instructor's side.

The engine knows no exercise. An exercise is a folder under ``assignments/`` that it discovers; see
``assignments/README.md`` for what such a folder holds and ``autograder/README.md`` for how grading
works, what it defends against and what not.
"""

__version__ = "0.1.0"

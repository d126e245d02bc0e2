"""Errors that are told to a person in one sentence instead of a traceback."""

from __future__ import annotations

__all__ = ["CourseError", "SandboxUnavailable", "UserError"]


class UserError(Exception):
    """Something the user of a command can mend: the message is the whole report, exit code 2."""


class CourseError(UserError):
    """The course's own material is not as it has to be."""


class SandboxUnavailable(UserError):
    """No mechanism on this machine can keep a hand-in's code apart."""

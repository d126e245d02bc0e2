"""Where a check's random inputs come from: unpredictable to students, reproducible for regrades."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

import numpy as np

from .errors import UserError

__all__ = ["SECRET_FILE", "check_rng", "course_secret", "seed_name"]

SECRET_FILE = ".autograder-secret"  # noqa: S105


def course_secret(root: Path) -> bytes:
    """Return the course's secret, made at the first grading and kept beside the gradebook.

    Raises
    ------
    UserError
        If the file is there and holds no secret, or cannot be written.
    """
    path = root / SECRET_FILE
    try:
        if not path.exists():
            _make_secret(path)
        secret = bytes.fromhex(path.read_text(encoding="utf-8"))
    except ValueError:  # no hexadecimal digits, or no text at all
        secret = b""
    except OSError as error:
        raise UserError(
            f"The grading secret cannot be kept in {path}: {error.strerror}."
        ) from error
    if len(secret) != 32:
        raise UserError(f"{path} should hold 64 hexadecimal digits; restore it or delete it.")
    return secret


def _make_secret(path: Path) -> None:
    # Written first and named then, by a link that fails where there is one: of two graders that
    # start together one makes the secret, and neither reads half of it.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def check_rng(secret: bytes, student: str, exercise: str, check: str) -> np.random.Generator:
    """Return the generator of one check of one hand-in.

    Seeded by SHA-256 of secret, student, exercise and check, each with its length in front, so
    that no two combinations run together.
    """
    return np.random.default_rng(int.from_bytes(_digest(secret, student, exercise, check), "big"))


def seed_name(secret: bytes, student: str, exercise: str) -> str:
    """Return a short name of a hand-in's seeds for its report; it does not give them away."""
    return hashlib.sha256(_digest(secret, student, exercise, "report")).hexdigest()[:16]


def _digest(secret: bytes, *parts: str) -> bytes:
    digest = hashlib.sha256(secret)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()

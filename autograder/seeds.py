"""Where a check's random inputs come from: unpredictable to students, reproducible for regrades."""

from __future__ import annotations

import hashlib
import os
import secrets
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
        # Exclusive creation: of two graders that start together, one makes the secret.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text().strip()
        if len(text) != 64:
            raise UserError(
                f"{path} should hold 64 hexadecimal digits; restore it or delete it."
            ) from None
        return bytes.fromhex(text)
    except OSError as error:
        raise UserError(
            f"The grading secret cannot be kept in {path}: {error.strerror}."
        ) from error
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return course_secret(root)


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

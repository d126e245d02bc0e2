"""Checks of the tiny exercise."""

import numpy as np

from autograder import assert_close, check, require

from . import oracle


@check(points=3, of="row_means", timeout=2)
def means_are_right(student, rng):
    """The means agree with the reference."""
    X = rng.normal(3.0, 1.0, size=(5, 7))
    assert_close(student.row_means(X), oracle.row_means(X), name="row_means(X)")


@check(points=1, of="row_means", timeout=2)
def input_is_left_alone(student, rng):
    """The array that is passed in is not changed."""
    X = rng.normal(size=(4, 3))
    held = student.hold(X)
    student.row_means(held)
    require(np.array_equal(held.value(), X), "X is another after the call", kind="mutation")


@check(points=1, of="row_means", timeout=2, memory_mb=100)
def memory_is_modest(student, rng):
    """Little memory is used."""
    X = rng.normal(size=(2, 1000))
    student.row_means(X)


@check(points=4, of="centre", timeout=2)
def rows_are_centred(student, rng):
    """Each row has the mean zero afterwards."""
    X = rng.normal(5.0, 1.0, size=(3, 4))
    shape = student.centre(X).shape
    assert shape == (3, 4), f"centre returned shape {shape}"
    assert_close(student.centre(X), X - oracle.row_means(X)[:, None], name="centre(X)")

"""Wrong versions of the tiny exercise."""

import numpy as np

from autograder import misconception


def halve(x):
    return x / 2


@misconception(of="row_means", caught_by="means_are_right")
def sums_instead(X):
    """You return the sum of each row: divide by the number of entries."""
    return X.sum(axis=1)


@misconception(of="row_means", caught_by="means_are_right")
def half_the_mean(X):
    """Your mean is half of what it should be."""
    return halve(X.mean(axis=1))


@misconception(of="row_means", caught_by="means_are_right", symptom="exception")
def wrong_axis(X):
    """There is no axis 2: rows are axis 0, and their entries axis 1."""
    return X.mean(axis=2)


@misconception(of="row_means", caught_by="input_is_left_alone", symptom="mutation")
def doubles_the_input(X):
    """Your function changes the array that it is given: work on a copy."""
    X *= 2
    return X.mean(axis=1) / 2


@misconception(of="row_means", caught_by="memory_is_modest", symptom="memory")
def wasteful(X):
    """You make an enormous array on the way: there is no need for one."""
    np.ones(2**26)
    return X.mean(axis=1)


@misconception(of="centre", caught_by="rows_are_centred")
def centres_columns(X):
    """You centre columns: the mean is taken over axis 1, and kept as a column."""
    return X - X.mean(axis=0)

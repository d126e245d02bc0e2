r"""Compute in C, where no signal handler of Python's ever runs: a power and a regular expression.

Ends: timeout
Says: `row_means` did not finish within
"""

import re


def row_means(X):
    re.match(r"(a+)+$", "a" * 40 + "b")
    return 10**10**9

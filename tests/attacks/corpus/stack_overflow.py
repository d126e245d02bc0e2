r"""Overflow the C stack after taking away Python's own limit.

Python 3.12 and newer count the C stack by itself, so that there it is an exception.

Ends: crashed
Says: `row_means` crashed the Python process
Ends_from_3_12: failed
Says_from_3_12: `row_means` raised RecursionError
"""

import sys

lifted = sys.setrecursionlimit(10**9)


class Mirror:
    def __getattr__(self, name):
        return getattr(self, name + "x")

    def __repr__(self):
        return repr(self)


def row_means(X):
    return repr(Mirror())

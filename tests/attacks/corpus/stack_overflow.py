r"""Overflow the C stack after taking away Python's own limit.

Ends: crashed
Says: `row_means` crashed the Python process
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

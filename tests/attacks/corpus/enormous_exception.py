r"""Raise an exception with a text of 100 MB and a type name of one.

Ends: failed
Says: `row_means` raised EEE
"""


def row_means(X):
    raise type("E" * 10**6, (Exception,), {})("x" * 10**8)

r"""Crash the interpreter.

Ends: crashed
Says: `row_means` crashed the Python process \(signal 11\)
"""

import ctypes


def row_means(X):
    return ctypes.string_at(0)

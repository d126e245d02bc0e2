r"""Hand in escaped quotes without end, for scanners that start anew at each.

Says: it is not JSON
"""


def build(notebook):
    return b'{"cells": ["' + b'\\"' * (4 * 2**20) + b"[{,"

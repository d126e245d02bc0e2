r"""Hand in JSON that takes a hundred times its size when parsed.

Says: (more than|not JSON|no notebook)
"""


def build(notebook):
    return b'{"cells": [], "metadata": [' + b"{}," * (16 * 2**20) + b"{}]}"

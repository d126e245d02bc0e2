r"""Hand in JSON nested a million levels deep.

Says: it is not JSON
"""


def build(notebook):
    return b'{"cells": ' + b"[" * 10**6 + b"]" * 10**6 + b"}"

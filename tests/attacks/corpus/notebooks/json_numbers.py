r"""Hand in JSON with a number of a million digits, and numbers that are none.

Says: it is not JSON
"""


def build(notebook):
    return (
        b'{"cells": [], "nbformat": NaN, "x": -Infinity, "nbformat_minor": ' + b"9" * 10**6 + b"}"
    )

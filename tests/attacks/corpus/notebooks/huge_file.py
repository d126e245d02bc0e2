r"""Hand in a file that is larger than any notebook.

Says: the file is larger than \d+ MB
"""


def build(notebook):
    return b'{"cells": [' + b" " * (201 * 2**20) + b"]}"

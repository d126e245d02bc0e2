r"""Encode the file as UTF-16 with a byte order mark, as spreadsheets do.

Says: it is not JSON
"""

import json


def build(notebook):
    return json.dumps(notebook).encode("utf-16")

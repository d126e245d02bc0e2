r"""Answer with a value and an error at once, with fields of every wrong type.

Ends: (failed|crashed)
Says: (row_means\(X\)|answered out of turn|instead of an answer)
"""

import json
import os
import struct
import sys


def row_means(X):
    frame = sys._getframe()
    while "request" not in frame.f_locals or "seq" not in frame.f_locals["request"]:
        frame = frame.f_back
    reply = {
        "seq": frame.f_locals["request"]["seq"],
        "value": {"t": "dict", "v": [["points", 3]]},
        "error": [1, 2],
        "printed": [{"t": "int", "v": "0x" + "f" * 2000}],
        "lengths": [],
    }
    text = json.dumps(reply).encode()
    os.write(3, struct.pack(">QQ", len(text), 0) + text)
    os._exit(0)

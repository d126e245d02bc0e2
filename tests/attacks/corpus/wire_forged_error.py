r"""Send an error that never was: markup for its type, lines that do not exist, a cell of our own.

Ends: failed
Says: `row_means` raised .*alert
"""

import json
import os
import struct
import sys


def row_means(X):
    frame = sys._getframe()
    while "request" not in frame.f_locals or "seq" not in frame.f_locals["request"]:
        frame = frame.f_back
    bad = "\x1b[31m</pre><script>alert(1)</script>[bold red][/]\r\n\u2066`<b>`"
    frames = [["cell", "row_means"], ["line", {"t": "int", "v": "0x" + "f" * 1900}]]
    fields = [["type", bad], ["message", bad * 50], ["not_defined", 1]]
    fields.append(["frames", [{"t": "dict", "v": frames}, {"t": "dict", "v": [["cell", bad]]}, 7]])
    reply = {"seq": frame.f_locals["request"]["seq"], "error": {"t": "dict", "v": fields}}
    text = json.dumps({**reply, "lengths": []}).encode()
    os.write(3, struct.pack(">QQ", len(text), 0) + text)
    os._exit(0)

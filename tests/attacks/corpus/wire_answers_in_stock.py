r"""Send the right number, and hundreds of answers more for questions that were not asked yet.

Ends: crashed
Says: (answered out of turn|row_means\(X\))
"""

import json
import os
import struct
import sys


def row_means(X):
    frame = sys._getframe()
    while "request" not in frame.f_locals or "seq" not in frame.f_locals["request"]:
        frame = frame.f_back
    seq = frame.f_locals["request"]["seq"]
    for number in range(seq - 50, seq + 300):
        text = json.dumps({"value": [3.0] * 5, "seq": number, "lengths": []}).encode()
        os.write(3, struct.pack(">QQ", len(text), 0) + text)
    return [3.0] * 5

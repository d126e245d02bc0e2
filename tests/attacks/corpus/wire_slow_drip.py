r"""Send the answer a byte every tenth of a second, so that every single read is quick.

Ends: timeout
Says: `row_means` did not finish within
"""

import os
import struct
import time


def row_means(X):
    text = b'{"seq": 1, "lengths": [], "printed": "", "value": ' + b" " * 4000 + b"3}"
    for byte in struct.pack(">QQ", len(text), 0) + text:
        os.write(3, bytes([byte]))
        time.sleep(0.1)

r"""Send a header of 16 MB that becomes gigabytes of lists, dictionaries and lengths when parsed.

Ends: crashed
Says: `row_means` sent a message of more items than any answer has instead of an answer
"""

import gc
import struct


def row_means(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
    text = b'{"value": [' + b"{}," * (5 * 2**20) + b"0], " + b'"lengths": [0]}'
    server.stream.sendall(struct.pack(">QQ", len(text), 0) + text)

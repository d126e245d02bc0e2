r"""Send JSON nested a million levels deep, to exhaust the parser's stack.

Ends: crashed
Says: `row_means` sent a message .* instead of an answer
"""

import gc
import struct


def row_means(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
    text = b'{"lengths": [], "value": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"
    server.stream.sendall(struct.pack(">QQ", len(text), 0) + text)

r"""Return handles with numbers that nobody gave out, negative and enormous ones among them.

Check: rows_are_centred
Ends: (failed|crashed)
Says: ended the Python process \(exit code 70\)
"""

import gc


def row_means(X):
    return X[:, 0]


def centre(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
    numbers = iter([10**15, -1, 2**62, 0] * 10)
    server.refer = lambda value: {"t": "handle", "id": next(numbers), "type": "\x1b[1mX" * 90}
    return object()

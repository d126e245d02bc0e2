r"""Send one array, and name its bytes ten thousand times: each mention a copy of its own.

Ends: crashed
Says: `row_means` sent the same array twice instead of an answer
"""

import gc

import numpy as np


def row_means(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
    encoder = type(server)._write.__globals__["Encoder"]
    original = encoder._array

    def again(self, array, tag):
        node = original(self, array, tag)
        return [node] * 10_000 if array.size > 100 else node

    encoder._array = again
    return np.zeros(2**21)

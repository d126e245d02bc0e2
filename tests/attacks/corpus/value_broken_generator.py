r"""Return a random generator whose state points beyond its own memory.

Ends: crashed
Says: `row_means` sent .*bit generator.* instead of an answer
"""

import gc

import numpy as np


def row_means(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
    bits = np.random.MT19937(0).state
    bits["state"]["pos"] = 2**30
    encode = type(server)._write.__globals__["Encoder"]

    def lie(self, generator):
        return {"t": "generator", "v": self.encode(bits)}

    encode._generator = lie
    return np.random.default_rng(0)

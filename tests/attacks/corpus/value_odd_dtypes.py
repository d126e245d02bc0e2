r"""Return arrays of objects, records, dates and texts, whose items run code or take any size.

Ends: failed
Says: row_means\(X\) is an object of type ndarray
"""

import numpy as np


class Item:
    def __float__(self):
        return 3.0

    def __reduce__(self):
        return (print, ("unpickled",))


def row_means(X):
    return np.array([Item() for _ in X], dtype=object)


def centre(X):
    return np.zeros(X.shape, dtype=[("a", "f8"), ("b", "O")])

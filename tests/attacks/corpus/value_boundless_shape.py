r"""Return empty arrays with an enormous axis, over which somebody may loop.

Ends: (failed|crashed)
Says: (row_means\(X\) has shape|impossible shape)
"""

import numpy as np


def row_means(X):
    return np.zeros((2**40, 0))

r"""Return an array of 10 GB, and one that claims to be and is not there.

Ends: failed
Says: (needs more than the 2048 MB|TooLarge: more than 256 MB)
"""

import numpy as np


def row_means(X):
    try:
        return np.ones(10 * 2**27)
    except MemoryError:
        return np.broadcast_to(np.float64(3.0), (10 * 2**27,))

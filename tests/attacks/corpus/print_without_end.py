r"""Print hundreds of megabytes, on one line, through every stream there is.

Ends: (failed|timeout)
Says: (row_means|MB of memory)
"""

import os
import sys

import numpy as np


def row_means(X):
    os.write(1, b"straight to the descriptor" * 100)
    sys.__stdout__.write("past the capture" * 100)
    sys.stderr.write("e" * 10**6)
    for _ in range(20):
        print("x" * 10**7, end="")
    return np.zeros(len(X))

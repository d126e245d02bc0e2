r"""Promise a frame of 100 MB, send some of it, and let the grader wait with open arms.

Ends: timeout
Says: `row_means` did not finish within
"""

import os
import struct
import time


def row_means(X):
    os.write(3, struct.pack(">QQ", 14, 100 * 2**20) + b'{"lengths":[]}')
    time.sleep(60)

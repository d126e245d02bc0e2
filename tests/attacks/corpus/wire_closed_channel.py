r"""Close the channel, put something else in its place, and go on living.

Ends: crashed
Says: `row_means` ended the Python process
"""

import os
import time


def row_means(X):
    os.dup2(os.open("/dev/null", os.O_RDWR), 3)
    time.sleep(60)

r"""Leave without a word in the middle of a call.

Ends: crashed
Says: `row_means` ended the Python process
"""

import os


def row_means(X):
    os._exit(0)

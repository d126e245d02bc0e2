r"""Fork without end.

Ends: failed
Says: PermissionError
"""

import os


def row_means(X):
    while True:
        os.fork()

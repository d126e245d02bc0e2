r"""Leave without a word while the notebook is being defined, with a code that looks like success.

Ends: crashed
Says: Defining your functions failed
"""

import os


class Leave:
    os._exit(0)


def row_means(X):
    return X[:, 0]

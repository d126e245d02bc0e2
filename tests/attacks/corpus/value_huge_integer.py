r"""Return integers of a million digits, which take ages to print.

Ends: failed
Says: (TooLarge: an integer|row_means\(X\))
"""


def row_means(X):
    return [1 << 4_000_000] * 5

r"""Return a long text among many short ones: as an array, each is as wide as the longest.

Ends: (failed|crashed)
Says: (a text far too long|TooLarge|row_means\(X\) is)
"""


def row_means(X):
    return ["x" * 4_000_000] + ["y"] * 200_000

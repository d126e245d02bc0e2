r"""Return millions of items: lists, tuples, empty dictionaries.

Ends: (failed|timeout)
Says: (TooLarge: more than|did not finish)
"""


def row_means(X):
    return [[()] * 1000 for _ in range(1100)]

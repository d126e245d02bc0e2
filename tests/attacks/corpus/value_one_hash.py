r"""Return a dictionary whose keys all have the same hash: reading it takes quadratic time.

Ends: failed
Says: TooLarge: more than 5,000 keys
"""


def row_means(X):
    return {k * (2**61 - 1): 0 for k in range(6_000)}

r"""Return generators, iterators, ranges and coroutines in place of values.

Ends: failed
Says: row_means\(X\) is an object of type generator
"""


def row_means(X):
    return (x.mean() for x in iter(X))


async def centre(X):
    return X

r"""Return values nested a hundred thousand levels deep, built so that freeing them recurses too.

Ends: (failed|crashed)
Says: (TooLarge|Python process)
"""


def row_means(X):
    deep = ()
    for _ in range(100_000):
        deep = (deep,)
    return deep

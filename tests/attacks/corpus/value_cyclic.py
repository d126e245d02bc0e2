r"""Return a list that contains itself, in a dictionary that contains the list.

Ends: failed
Says: TooLarge: more than 50 levels
"""


def row_means(X):
    loop = []
    loop.append({"again": loop})
    return loop

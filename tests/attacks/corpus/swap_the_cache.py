r"""Answer from a kept object that is another one whenever it is looked at.

Check: caches_are_kept
Ends: failed
Says: row_means_from\(cache\) is wrong
"""

import numpy as np


class Shifting:
    def __getattribute__(self, name):
        return Shifting()

    def __iter__(self):
        return iter([Shifting()] * 100)


def row_means_and_cache(X):
    return X[:, 0], Shifting()


def row_means_from(cache):
    return np.zeros(4) if type(cache) is Shifting else cache

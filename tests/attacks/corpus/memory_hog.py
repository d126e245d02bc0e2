r"""Take all memory in small steps, swallowing every MemoryError on the way.

Ends: (timeout|crashed|failed)
Says: (did not finish|Python process|MB of memory)
"""


def row_means(X):
    hoard = []
    size = 2**24
    while True:
        try:
            hoard.append(bytearray(size))
            hoard[-1][::4096] = b"x" * len(hoard[-1][::4096])
        except MemoryError:
            size = max(size // 2, 64)

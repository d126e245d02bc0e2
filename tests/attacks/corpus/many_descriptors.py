r"""Open files, pipes and event counters until nobody can open anything any more.

Ends: failed
Says: open 2\d\d
"""

import os


def row_means(X):
    count = 4
    try:
        while True:
            read, write = os.pipe2(os.O_NONBLOCK)
            count += 2
            try:
                while os.write(write, b"x" * 65536):
                    pass
            except BlockingIOError:
                continue
    except OSError as error:
        print(error)
    raise RuntimeError(f"open {count}")

r"""Start threads with tiny stacks until the machine has no more to give.

Ends: failed
Says: threads ([1-9]\d|1\d\d|2[0-5]\d)
"""

import threading
import time


def row_means(X):
    threading.stack_size(32768)
    count = 0
    try:
        for _ in range(100_000):
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            count += 1
    except RuntimeError as error:
        print(error)
    raise RuntimeError(f"threads {count}")

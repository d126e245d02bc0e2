r"""Sleep with all signals blocked.

Ends: timeout
Says: `row_means` did not finish within
"""

import signal
import time


def row_means(X):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    while True:
        time.sleep(1000)

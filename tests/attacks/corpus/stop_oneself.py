r"""Stop the own process, threads and timers included, for a grader that waits for it to go on.

Machine: x86_64
Ends: timeout
Says: `row_means` did not finish within
"""

import ctypes
import os
import signal
import threading


def row_means(X):
    ctypes.CDLL(None).syscall(234, os.getpid(), threading.get_native_id(), signal.SIGSTOP)
    while True:
        signal.pause()

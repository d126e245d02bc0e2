r"""Leave daemon threads, exit handlers, finalizers and pending alarms behind to act later.

Ends: failed
Says: row_means\(X\) is wrong
"""

import atexit
import os
import signal
import sys
import threading
import time
import weakref

import numpy as np


class Anchor:
    def __del__(self):
        print("canary of a finalizer")


anchor = Anchor()
finalizer = weakref.finalize(anchor, print, "later")
registered = atexit.register(lambda: time.sleep(60))
sys.exitfunc = lambda: time.sleep(60)
registered = threading._register_atexit(lambda: time.sleep(60))


def spin():
    while True:
        os.write(2, b"still here")


def row_means(X):
    threading.Thread(target=spin, daemon=True).start()
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.alarm(100)
    return np.zeros(len(X))

r"""Leave traces wherever a later hand-in could find them; the attack after this one looks for them.

Ends: failed
Says: row_means\(X\) is wrong
"""

import builtins
import locale
import os
import sys
import tempfile

import numpy as np

trace = "left by another " + "student"
places = ("/tmp", "/dev/shm", "/proc", "/", "/packages", tempfile.gettempdir())


def row_means(X):
    for place in places:
        try:
            open(f"{place}/trace", "w").write(trace)
        except OSError:
            continue
    os.environ["TRACE"] = trace
    os.umask(0)
    os.chdir("/usr")
    np.random.seed(12345)
    np.seterr(all="raise")
    np.trace_left = builtins.trace_left = sys.trace_left = trace
    locale.setlocale(locale.LC_ALL, "C")
    os.nice(5) if hasattr(os, "nice_") else None
    return np.zeros(len(X))

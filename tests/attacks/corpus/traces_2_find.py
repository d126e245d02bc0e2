r"""Look for traces of the hand-in before: files, environment, modules, folder, random state, time.

Ends: failed
Says: traces \[\]
"""

import builtins
import glob
import os
import resource
import sys

import numpy as np


def row_means(X):
    traces = glob.glob("/*/trace") + glob.glob("/dev/shm/*") + glob.glob("/tmp/*")
    traces += [v for v in os.environ.values() if "student" in v]
    traces += [m for m in (np, builtins, sys) if hasattr(m, "trace_left")]
    if os.getcwd() != "/tmp" or os.umask(0o22) == 0 or np.geterr()["over"] == "raise":
        traces.append("state")
    if np.random.RandomState(12345).normal() == np.random.normal():
        traces.append("seed")
    if resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime:
        traces.append("children")
    raise RuntimeError(f"traces {traces}")

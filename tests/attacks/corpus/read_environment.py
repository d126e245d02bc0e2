r"""Print the environment: Python's copy, the C library's, and the kernel's.

Ends: failed
Says: PATH.*HOME.*LANG.*no /proc/self/environ
"""

import ctypes
import os


def row_means(X):
    found = [f"{key}={value}" for key, value in os.environ.items()]
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    i = 0
    while environ[i]:
        found.append(environ[i].decode())
        i += 1
    try:
        found.append(open("/proc/self/environ").read())
    except OSError:
        found.append("no /proc/self/environ")
    raise RuntimeError(" ".join(found))

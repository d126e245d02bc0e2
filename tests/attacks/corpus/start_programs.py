r"""Start programs in every way that Python knows.

Ends: failed
Says: started \[\]
"""

import multiprocessing
import os
import pty
import subprocess

WAYS = {
    "system": lambda: os.system("true") == 0,
    "popen": lambda: os.popen("echo here").read() == "here\n",
    "subprocess": lambda: subprocess.run(["true"]).returncode == 0,
    "spawn": lambda: os.posix_spawn("/usr/bin/true", ["true"], {}),
    "exec": lambda: os.execv("/usr/bin/true", ["true"]),
    "vfork": lambda: __import__("ctypes").CDLL(None).vfork() > 0,
    "multiprocessing": lambda: multiprocessing.Process(target=print).start() is None,
    "pty": lambda: pty.spawn(["true"]) == 0,
}


def row_means(X):
    started = []
    for name, way in WAYS.items():
        try:
            if way():
                started.append(name)
        except OSError as error:
            print(name, error)
    raise RuntimeError(f"started {started}")

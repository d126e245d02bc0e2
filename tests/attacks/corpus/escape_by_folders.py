r"""Leave the worker's root: by renamed folders, open folder handles, symbolic links and ``..``.

Ends: failed
Says: outside \[\]
"""

import os


def row_means(X):
    outside = []
    os.makedirs("/tmp/a/b", exist_ok=True)
    top = os.open("/", os.O_RDONLY)
    inner = os.open("/tmp/a/b", os.O_RDONLY)
    os.rename("/tmp/a/b", "/tmp/b")
    for fd in (top, inner):
        try:
            handle = fd
            for _ in range(30):
                handle = os.open("..", os.O_RDONLY, dir_fd=handle)
            outside += [
                n for n in os.listdir(handle) if n in ("work", "home", "root", "boot", "sys")
            ]
        except OSError as error:
            print(error)
    try:
        os.symlink("/proc/1/root", "/tmp/link")
        outside.append(os.listdir("/tmp/link"))
    except OSError as error:
        print(error)
    # Some of these are there as empty steps on the way to the interpreter.
    outside = [
        n for n in outside if n not in ("root", "home", "work") or len(os.listdir(f"/{n}")) > 1
    ]
    raise RuntimeError(f"outside {outside}")

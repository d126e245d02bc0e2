r"""Fill the disk: large files, sparse ones, and as many empty ones as fit.

Ends: failed
Says: files \d{2,5} megabytes \d\d?
"""

import os


def row_means(X):
    written = files = 0
    try:
        with open("/tmp/sparse", "wb") as file:
            file.truncate(2**50)
    except OSError as error:
        print(error)
    try:
        for i in range(50_000):
            os.close(os.open(f"/tmp/empty{i}", os.O_CREAT | os.O_WRONLY))
            files += 1
    except OSError as error:
        print(error)
    os.remove("/tmp/empty0")
    try:
        with open("/tmp/large", "wb", buffering=0) as file:
            for _ in range(10_000):
                written += file.write(b"x" * 2**20)
    except OSError as error:
        print(error)
    raise RuntimeError(f"files {files} megabytes {written >> 20}")

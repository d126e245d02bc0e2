r"""Read disks, kernel memory and terminals through device files.

Ends: failed
Says: opened \[\]
"""

import glob
import os


def row_means(X):
    names = [
        "mem",
        "kmem",
        "kmsg",
        "vda",
        "sda",
        "nvme0n1",
        "tty",
        "ptmx",
        "console",
        "fuse",
        "kvm",
    ]
    opened = []
    for name in [*(f"/dev/{n}" for n in names), *glob.glob("/dev/pts/*")]:
        try:
            opened.append((name, os.read(os.open(name, os.O_RDONLY), 16)))
        except OSError:
            continue
    raise RuntimeError(f"opened {opened}")

r"""Copy the memory of other processes with process_vm_readv, of every process number there may be.

Ends: failed
Says: errors \[1\]
"""

import ctypes


class Piece(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def row_means(X):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(4096)
    here = Piece(ctypes.addressof(buffer), 4096)
    there = Piece(0x400000, 4096)
    errors = set()
    for pid in range(3000):
        got = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        if got > 0:
            raise RuntimeError(f"read {buffer.raw!r} from {pid}")
        errors.add(ctypes.get_errno())
    raise RuntimeError(f"errors {sorted(errors)}")

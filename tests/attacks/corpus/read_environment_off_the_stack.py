r"""Read the process's first environment and argv where the kernel put them, at the top of the stack.

Ends: (failed|crashed)
Says: (found no canary|Python process)
"""

import ctypes
import os


def row_means(X):
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    address = ctypes.addressof(ctypes.create_string_buffer(8))
    stack = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__libc_stack_end").value
    top = ctypes.string_at(stack, 2000)
    print(top.replace(b"\0", b" ").decode("latin-1"), os.getpid(), bool(environ), bool(address))
    raise RuntimeError("found the canary" if b"canary" in top else "found no canary")

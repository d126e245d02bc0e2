r"""Fork by the system calls of other architectures, in machine code: 32-bit ones, and x32's.

Machine: x86_64
Ends: (crashed|failed)
Says: (crashed the Python process|was killed \(signal 31\)|forked \[\])
"""

import ctypes
import mmap

# mov eax, NUMBER; int 0x80; ret -- and -- mov eax, NUMBER; syscall; ret
OLD = b"\xb8\x02\x00\x00\x00\xcd\x80\xc3"
X32 = b"\xb8\x39\x00\x00\x40\x0f\x05\xc3"


def run(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_long)(address)()


def row_means(X):
    forked = [result for result in (run(X32), run(OLD)) if result >= 0]
    raise RuntimeError(f"forked {forked}")

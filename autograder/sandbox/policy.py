"""What system calls a worker may make: computing, threads, its own files, and its one connection.

The filter is an allow-list: what is not named fails with ``EPERM`` (``clone3`` with ``ENOSYS``, so
that the C library falls back to ``clone``, whose flags can be looked at). Above all it leaves out
``execve``, new processes, sockets, ``ptrace``, ``mount``, ``unshare``, ``bpf``, ``io_uring`` and
``memfd_create``.

It is written in the kernel's own terms (classic BPF over ``struct seccomp_data``, seccomp(2)), so
that no system library has to be installed.
"""

from __future__ import annotations

import errno
import functools
import platform
import struct
from dataclasses import dataclass

from .syscalls import ARCHITECTURES, NUMBERS

__all__ = ["compiled_filter"]

_CLONE_THREAD = 0x00010000
# Calls of the x32 interface have this bit in their number, and other meanings.
_X32_BIT = 0x40000000

_ALLOWED = """
    read write readv writev pread64 pwrite64 lseek close fstat stat lstat newfstatat statx access
    faccessat faccessat2 open openat getdents getdents64 readlink readlinkat getcwd chdir
    mkdir mkdirat unlink unlinkat rmdir rename renameat renameat2 ftruncate truncate fsync fdatasync
    fcntl flock dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 umask
    epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
    mmap mprotect munmap mremap madvise brk mincore mlock munlock membarrier
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack
    setitimer getitimer alarm pause nanosleep clock_nanosleep clock_gettime clock_getres
    gettimeofday time times getrusage
    futex set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity
    sched_setaffinity gettid getpid getppid getpgrp getuid geteuid getgid getegid getgroups
    tgkill exit exit_group restart_syscall arch_prctl getrandom uname sysinfo getrlimit
    sendto recvfrom sendmsg recvmsg
""".split()

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data


@dataclass(frozen=True)
class _Step:
    """One instruction; jumps name a label, or go on with the next step."""

    code: int
    value: int
    then: str = ""
    otherwise: str = ""
    label: str = ""


@functools.cache
def compiled_filter() -> bytes:
    """Return the seccomp program for this machine, as an array of ``struct sock_filter``.

    Raises
    ------
    OSError
        If this machine's architecture is none that the policy knows.
    """
    machine = platform.machine()
    if machine not in NUMBERS:
        known = " and ".join(NUMBERS)
        raise OSError(errno.ENOSYS, f"the policy knows {known}, this machine is {machine}")
    numbers = NUMBERS[machine]
    steps = [
        _Step(_LOAD, _ARCHITECTURE),
        _Step(_EQUAL, ARCHITECTURES[machine], otherwise="kill"),
        _Step(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        steps.append(_Step(_AT_LEAST, _X32_BIT, then="refuse"))
    steps += [_Step(_EQUAL, numbers[n], then="allow") for n in _ALLOWED if n in numbers]
    steps += [
        _Step(_EQUAL, numbers["clone3"], then="unknown"),
        _Step(_EQUAL, numbers["clone"], then="clone"),
        # Reading a limit is fine, setting one (a third argument that is not null) is not.
        _Step(_EQUAL, numbers["prlimit64"], otherwise="refuse"),
        _Step(_LOAD, _argument(2)),
        _Step(_EQUAL, 0, otherwise="refuse"),
        _Step(_LOAD, _argument(2) + 4),
        _Step(_EQUAL, 0, then="allow", otherwise="refuse"),
        _Step(_LOAD, _argument(0), label="clone"),
        _Step(_ANY_BIT, _CLONE_THREAD, then="allow"),
        _Step(_RETURN, _ERRNO | errno.EPERM, label="refuse"),
        _Step(_RETURN, _ERRNO | errno.ENOSYS, label="unknown"),
        _Step(_RETURN, _KILL, label="kill"),
        _Step(_RETURN, _ALLOW, label="allow"),
    ]
    return _assemble(steps)


def _argument(index: int) -> int:
    """Return where the lower half of a system call's argument stands in ``struct seccomp_data``."""
    return 16 + 8 * index


def _assemble(steps: list[_Step]) -> bytes:
    places = {step.label: place for place, step in enumerate(steps) if step.label}
    program = b""
    for place, step in enumerate(steps):
        jumps = [places.get(label, place + 1) - place - 1 for label in (step.then, step.otherwise)]
        program += struct.pack("HBBI", step.code, *jumps, step.value)
    return program

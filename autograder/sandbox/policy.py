"""What system calls a worker may make: computing, threads, its own files, and its one connection.

The filter is an allow-list: what is not named fails with ``EPERM`` (``clone3`` with ``ENOSYS``, so
that the C library falls back to ``clone``, whose flags can be looked at). Above all it leaves out
``execve``, new processes, sockets, ``ptrace``, ``mount``, ``unshare``, ``bpf``, ``io_uring`` and
``memfd_create``.
"""

from __future__ import annotations

import errno
import functools
import tempfile

__all__ = ["compiled_filter"]

_CLONE_THREAD = 0x00010000

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


@functools.cache
def compiled_filter() -> bytes:
    """Return the seccomp program for this machine, as an array of ``struct sock_filter``.

    Raises
    ------
    OSError
        If libseccomp is not installed or the kernel knows no such filter.
    """
    # Loads the system's libseccomp on import, which only a machine that grades needs to have.
    import pyseccomp

    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        try:
            rules.add_rule(pyseccomp.ALLOW, name)
        except OSError as error:
            if error.errno not in (errno.EFAULT, errno.EDOM, errno.EINVAL):
                raise
            continue  # not a system call of this architecture
    threads = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
    rules.add_rule(pyseccomp.ALLOW, "clone", threads)
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    # Reading a limit is fine, setting one (a non-null third argument) is not.
    rules.add_rule(pyseccomp.ALLOW, "prlimit64", pyseccomp.Arg(2, pyseccomp.EQ, 0))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()

"""Start quickly and stay quick: leave out what Python and packages do and nothing here needs."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

__all__ = ["settle", "share_cores", "without_iri_grammar"]


def settle() -> None:
    """Take what has been loaded as here to stay: never look through it for garbage again.

    Half a million objects of libraries would be looked through several times for every hand-in.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def share_cores(jobs: int) -> None:
    """Have BLAS use the share of the cores that one of so many processes has, at least one.

    Threads of several processes on the same cores wait for each other most of the time, and
    OpenBLAS' wait busily while a student's code computes.
    """
    threadpool_limits(max(1, (os.cpu_count() or 1) // jobs))


@contextmanager
def without_iri_grammar() -> Iterator[None]:
    """Keep jsonschema from building its grammar of international web addresses.

    Where jupyter's extras are installed, that grammar costs every import of nbformat two seconds,
    and no notebook's schema has such an address in it. jsonschema does without where the package
    ``rfc3987_syntax`` is missing, which is what it finds within this context.
    """
    name = "rfc3987_syntax"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]

"""Start quickly: leave out what a dependency does at import and nothing here needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_iri_grammar"]


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

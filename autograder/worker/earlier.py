"""What ``from_notebook`` gives when grading: the reference of an earlier exercise.

A student's earlier work is never penalised twice, so it is not their own earlier notebook. It comes
as compiled code: no line of its source is in the process that runs a student's code.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from types import ModuleType

from cs231n_lib.notebooks import NotebookNotFoundError, resolving_with

__all__ = ["EarlierNotebooks"]


class EarlierNotebooks:
    """Answers ``from_notebook(name)``, as a resolver of :mod:`cs231n_lib.notebooks`.

    Parameters
    ----------
    compiled
        Marshalled code of the definitions by ``assignment/exercise``, each after those that it
        builds on itself.
    """

    def __init__(self, compiled: Mapping[str, bytes]) -> None:
        self._modules: dict[str, ModuleType] = {}
        for identity, code in compiled.items():
            name = identity.rpartition("/")[2]
            module = ModuleType(name, f"What {name}.ipynb defines.")
            with resolving_with(self):
                # Our own code, from the trusted process.
                for statement in marshal.loads(code):  # noqa: S302
                    exec(statement, module.__dict__)  # noqa: S102
            self._modules[identity] = self._modules[name] = module

    def __call__(self, name: str) -> ModuleType:
        """Return the module of that name."""
        if name not in self._modules:
            known = ", ".join(n for n in self._modules if "/" not in n) or "no other notebook"
            raise NotebookNotFoundError(
                f"from_notebook({name!r}): this exercise builds on {known}, and sees nothing else "
                "when it is graded"
            )
        return self._modules[name]

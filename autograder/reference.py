"""The reference solution, ready to be run in this process: our own code, from our own text."""

from __future__ import annotations

import ast
import marshal
from collections.abc import Iterable, Mapping
from types import CodeType
from typing import Any

from cs231n_lib.notebooks import resolving_with

from .worker.cells import Cell, is_definition, parse_cell
from .worker.earlier import EarlierNotebooks

__all__ = ["Reference"]


class Reference:
    """The definitions of an exercise's own notebook.

    Parameters
    ----------
    cells
        The notebook's cells that define something: given ones and solutions, in order.
    earlier
        The references that ``from_notebook`` gives it, by the exercise's id, each after what it
        builds on itself.

    Raises
    ------
    SyntaxError, Exception
        Whatever a definition raises: our own text has no excuse.
    """

    def __init__(
        self, cells: Iterable[Cell], earlier: Mapping[str, Reference] | None = None
    ) -> None:
        compiled = {name: reference.compiled() for name, reference in (earlier or {}).items()}
        self._notebooks = EarlierNotebooks(compiled)
        self._code: list[CodeType] = []
        namespace: dict[str, Any] = {"__name__": "__reference__"}
        with resolving_with(self._notebooks):
            for cell in cells:
                tree = parse_cell(cell.source, f"<reference {cell.name}>")
                for statement in tree.body:
                    if is_definition(statement, namespace):
                        module = ast.Module(body=[statement], type_ignores=[])
                        code = compile(module, f"<reference {cell.name}>", "exec")
                        exec(code, namespace)  # noqa: S102
                        self._code.append(code)

    def namespace(self, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return fresh definitions with some names replaced.

        Functions of the reference that call a replaced one find the replacement.
        """
        fresh: dict[str, Any] = {"__name__": "__reference__"}
        with resolving_with(self._notebooks):
            for code in self._code:
                exec(code, fresh)  # noqa: S102
        fresh.update(overrides or {})
        return fresh

    def compiled(self) -> bytes:
        """Return the definitions as code without source, for a worker with the same interpreter."""
        return marshal.dumps(tuple(self._code))

"""The reference solution, ready to be run in this process: our own code, from our own text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from types import CodeType
from typing import Any

from .worker.cells import Cell, is_definition, plain_python

__all__ = ["Reference"]


class Reference:
    """The definitions of an exercise's own notebook.

    Parameters
    ----------
    cells
        The notebook's cells that define something: given ones and solutions, in order.

    Raises
    ------
    SyntaxError, Exception
        Whatever a definition raises: our own text has no excuse.
    """

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._code: list[CodeType] = []
        namespace: dict[str, Any] = {"__name__": "__reference__"}
        for cell in cells:
            tree = ast.parse(plain_python(cell.source), filename=f"<reference {cell.name}>")
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
        for code in self._code:
            exec(code, fresh)  # noqa: S102
        fresh.update(overrides or {})
        return fresh

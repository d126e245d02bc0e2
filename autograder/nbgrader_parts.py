"""Our pieces of nbgrader's pipelines, named in ``nbgrader_config.py``.

They are preprocessors in nbgrader's own sense, so that its commands (``nbgrader
generate_assignment``) and ours do the same with the same settings.
"""

from __future__ import annotations

import re
from typing import Any

from nbgrader.preprocessors import ClearSolutions

from .text import BEGIN_SOLUTION

__all__ = ["NamedStubs", "clear_solutions"]


class NamedStubs(ClearSolutions):  # type: ignore[misc]
    """Replace solutions by an exception that names what to write there.

    nbgrader's own stub is the same for every cell; a student who runs a notebook with gaps should
    read which function they are waiting for.
    """

    _stubbed = False

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Clear one cell."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        self._stubbed = False
        if cell.cell_type == "code":
            stub = clear_solutions(cell.source, name)
            self._stubbed = stub != cell.source
            cell.source = stub
        cleared: tuple[Any, Any] = super().preprocess_cell(cell, resources, cell_index)
        return cleared

    def _replace_solution_region(self, cell: Any, language: str) -> bool:
        # A cell whose regions are replaced already is done: nothing of it may be replaced again.
        return self._stubbed or bool(super()._replace_solution_region(cell, language))


def clear_solutions(source: str, name: str) -> str:
    """Return the source with each solution part replaced by its stub."""
    lines: list[str] = []
    inside, function = False, name
    for line in source.split("\n"):
        found = re.match(r"\s*(?:async\s+)?def\s+(\w+)", line)
        if found and not inside:
            function = found.group(1)
        if line.strip() == BEGIN_SOLUTION:
            inside = True
            label = name if function in (name, "") else f"{name}.{function}"
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f'{indent}raise NotImplementedError("{label} is not written yet")')
        elif inside and "END SOLUTION" in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)

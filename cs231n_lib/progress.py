"""Progress bars that look right in a terminal, in a notebook and in a notebook's saved output."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

from tqdm import tqdm  # type: ignore[import-untyped]

__all__ = ["in_notebook", "progress", "progress_bar"]

T = TypeVar("T")


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook.

    Examples
    --------
    >>> in_notebook()
    False
    """
    kernel = sys.modules.get("ipykernel.zmqshell")
    if kernel is None:
        return False
    from IPython.core.getipython import get_ipython

    return isinstance(get_ipython(), kernel.ZMQInteractiveShell)


def progress_bar(total: int | None = None, description: str = "", **options: Any) -> tqdm:
    """Return a progress bar to be updated by hand, as a context manager.

    In a notebook it is one line of text that is replaced as it grows: a widget would vanish from
    the saved notebook, and standard error is shown in red. In a terminal it writes to standard
    error; where nobody watches (a pipe, a log file) it writes nothing.

    Parameters
    ----------
    total : int, optional
        How many steps there are, if known.
    description : str
        Written before the bar.
    **options
        Passed on to ``tqdm.tqdm``.

    Examples
    --------
    >>> with progress_bar(2, "epochs") as bar:
    ...     _ = bar.update()
    """
    notebook = in_notebook()
    stream = _DisplayedLine() if notebook else sys.stderr
    settings: dict[str, Any] = {
        "total": total,
        "desc": description,
        "file": stream,
        "disable": not (notebook or stream.isatty()),
        "mininterval": 0.2 if notebook else 0.1,
        "ncols": 88 if notebook else None,
        "dynamic_ncols": not notebook,
    }
    return tqdm(**(settings | options))


def progress(
    steps: Iterable[T], description: str = "", *, total: int | None = None, **options: Any
) -> Iterator[T]:
    """Iterate over `steps` with a progress bar.

    Parameters
    ----------
    steps : iterable
        What is iterated over.
    description : str
        Written before the bar.
    total : int, optional
        How many steps there are; by default their length, if they have one.
    **options
        Passed on to ``tqdm.tqdm``.

    Examples
    --------
    >>> list(progress(range(3), "epochs"))
    [0, 1, 2]
    """
    if total is None and isinstance(steps, Sized):
        total = len(steps)
    with progress_bar(total, description, **options) as bar:
        for step in steps:
            yield step
            bar.update()


class _DisplayedLine(io.StringIO):
    """A stream of which a notebook shows the last line, in one output that is updated."""

    def __init__(self) -> None:
        super().__init__()
        self._handle: Any = None

    def write(self, text: str) -> int:
        # tqdm rewinds the line with a carriage return, and ends it with a newline.
        line = text.replace("\n", "").rpartition("\r")[2].rstrip()
        if line or "\r" in text:
            self._show(line)
        return len(text)

    def _show(self, line: str) -> None:
        from IPython.display import display

        content = {"text/plain": line}
        if self._handle is None:
            if line:
                self._handle = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(content, raw=True)

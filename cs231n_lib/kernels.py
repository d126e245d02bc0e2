"""A Jupyter kernel to run cells in, with a limit on time; one that is lost is replaced."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from types import TracebackType
from typing import Literal

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import KernelManager

from cs231n_lib.notebook_cells import NotebookError

__all__ = ["CellRun", "Kernel"]

START_SECONDS, INTERRUPT_SECONDS = 120.0, 3.0


@dataclass(frozen=True)
class CellRun:
    """What became of a cell: ``error`` and ``message`` are the exception's name and text."""

    status: Literal["ok", "error", "timeout", "died"]
    error: str = ""
    message: str = ""


class Kernel:
    """A fresh kernel that runs cells in a folder. Use as a context manager.

    Cells that ran to their end are run again where a kernel had to be replaced, so that later
    cells find what they define.

    Parameters
    ----------
    folder : Path
        Where it runs.
    seconds : float
        How long a cell may take.

    Raises
    ------
    NotebookError
        If the kernel does not start.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.seconds = seconds
        self._ran: list[str] = []
        self._manager: KernelManager | None = None
        self._client: BlockingKernelClient | None = None

    def __enter__(self) -> Kernel:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._stop()

    def run(self, source: str, *, keep: bool = True) -> CellRun:
        """Run a cell.

        Parameters
        ----------
        source : str
            Its text.
        keep : bool
            Whether later cells need it, should the kernel have to be replaced.
        """
        if self._client is None:
            self._start()
            for earlier in self._ran:
                self._execute(earlier)
        result = self._execute(source)
        if result.status in ("timeout", "died"):
            self._recover(result)
        elif keep and result.status == "ok":
            self._ran.append(source)
        return result

    def _start(self) -> None:
        manager = KernelManager(kernel_name="python3")
        try:
            # What the kernel itself logs is nothing to a student; exceptions come as messages.
            manager.start_kernel(cwd=str(self.folder), stdout=DEVNULL, stderr=DEVNULL)
            client = manager.blocking_client()
            client.start_channels()
            self._manager, self._client = manager, client
            client.wait_for_ready(timeout=START_SECONDS)
        except (NoSuchKernel, OSError, RuntimeError) as error:
            self._stop()
            raise NotebookError(
                f"the Jupyter kernel does not start ({error}): see cs231n doctor"
            ) from error

    def _stop(self) -> None:
        if self._client is not None:
            self._client.stop_channels()
        if self._manager is not None and self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        if self._manager is not None:
            self._manager.cleanup_resources()
        self._manager = self._client = None

    def _recover(self, lost: CellRun) -> None:
        """Interrupt a cell that takes too long; where that does not help, give up the kernel."""
        if lost.status == "timeout" and self._manager is not None:
            self._manager.interrupt_kernel()
            if self._execute("", INTERRUPT_SECONDS).status == "ok":
                return
        self._stop()

    def _execute(self, source: str, seconds: float | None = None) -> CellRun:
        assert self._client is not None and self._manager is not None  # noqa: S101, PT018
        message_id = self._client.execute(source, stop_on_error=False, allow_stdin=False)
        end = time.monotonic() + (self.seconds if seconds is None else seconds)
        result = CellRun("ok")
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=0.2)
            except queue.Empty:
                if not self._manager.is_alive():
                    return CellRun("died")
            else:
                content = message["content"]
                if message["parent_header"].get("msg_id") == message_id:
                    if message["msg_type"] == "error":
                        result = CellRun("error", content["ename"], content["evalue"])
                    elif content.get("execution_state") == "idle":
                        return result
            if time.monotonic() > end:
                return CellRun("timeout")

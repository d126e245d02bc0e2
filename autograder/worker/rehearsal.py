"""Go once through what every hand-in needs, with requests of our own.

A forked process shares its memory with the one that it comes from, page by page until one of them
writes to it; the copies of what Python touches for the first definitions and calls take longer than
these themselves. A worker that waits to be the next has the time.
"""

from __future__ import annotations

import gc
import io
import sys
from typing import Any

import numpy as np

from cs231n_lib.notebooks import resolving_with

from .serve import Server
from .values import Encoder, write_frame

__all__ = ["Script", "rehearse"]

_CELL = '''\
import numpy as np


def loss_of(W, X, reg=0.5):
    """Compute some loss and its gradient.

    Parameters
    ----------
    W, X, reg
        Weights, images, strength of regularisation.
    """
    loss, dW = 0.0, np.zeros(W.shape)
    for i, x in enumerate(X):
        scores = [float(np.sum(x * column)) for column in W.T]
        shifted = np.exp(np.array(scores) - max(scores))
        loss += np.log(shifted.sum()) / len(X) if i else reg
        dW[:, i % 2] += x + 2 * reg * W[:, 0]
    return loss, {"dW": dW}
'''


class Script:
    """A connection on which requests lie ready, as :class:`~.values.Stream`.

    Attributes
    ----------
    written : io.BytesIO
        The answers, once it is served.
    """

    def __init__(self) -> None:
        self.written = io.BytesIO()
        W, X = np.ones((3, 2)), np.ones((2, 3))
        cells = [{"name": "rehearsal", "source": _CELL}]
        self._add("ping")
        self._add("define", cells=cells, refused=[], notebooks={})
        self._add("call", name="loss_of", args=[W, X], kwargs={"reg": 0.1}, hold=[])
        self._requests = io.BytesIO(self.written.getvalue())
        self.written = io.BytesIO()

    def _add(self, operation: str, **fields: Any) -> None:
        encoder = Encoder(_nothing_else)
        message = {"op": operation, "seq": 0, **fields}
        tree = {key: encoder.encode(value) for key, value in message.items()}
        write_frame(self, tree, encoder.buffers)

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read from the requests; 0 when they are all read."""
        return self._requests.readinto(buffer)

    def sendall(self, data: Any, /) -> None:
        """Keep an answer."""
        self.written.write(data)


def rehearse() -> Script:
    """Serve a script and return it with its answers.

    For processes of the sandbox: like any hand-in's definitions it forgets the libraries that only
    show things. Of itself it leaves nothing, no object of its server's either.
    """
    script = Script()
    finders = list(sys.meta_path)
    try:
        with resolving_with(None):
            Server(script).run()
    finally:
        sys.meta_path[:] = finders
        gc.collect()
    return script


def _nothing_else(value: Any) -> dict[str, Any]:
    raise TypeError(f"a {type(value).__name__} in a rehearsal")

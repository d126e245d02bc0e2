r"""Pass descriptors over the channel, hundreds of them, for the grader to hold.

Ends: crashed
Says: `row_means` sent .* instead of an answer
"""

import array
import gc
import os
import socket


def row_means(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
    fds = array.array("i", [os.open("/dev/zero", os.O_RDONLY) for _ in range(100)])
    kind = (socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)
    for _ in range(50):
        server.stream.sendmsg([b"\xff" * 64], [kind])

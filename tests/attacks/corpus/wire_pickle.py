r"""Send a pickle that runs a command when it is loaded, as a frame and as a value.

Ends: crashed
Says: `row_means` sent .* instead of an answer
"""

import os
import pickle
import struct


class Command:
    def __reduce__(self):
        return (os.system, ("touch /tmp/pickled",))


def row_means(X):
    data = pickle.dumps(Command())
    os.write(3, struct.pack(">QQ", len(data), 0) + data)

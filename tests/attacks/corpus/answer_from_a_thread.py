r"""Leave a thread behind that answers the next questions before the server sees them.

Ends: (failed|crashed|timeout)
Says: (row_means|Python process)
"""

import gc
import json
import struct
import threading

import numpy as np


def row_means(X):
    server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")

    def meddle():
        text = json.dumps({"value": 3.0, "seq": 0, "printed": "", "lengths": []}).encode()
        while True:
            server.stream.sendall(struct.pack(">QQ", len(text), 0) + text)

    threading.Thread(target=meddle, daemon=True).start()
    return np.zeros(5)

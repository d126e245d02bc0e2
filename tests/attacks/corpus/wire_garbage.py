r"""Write bytes that are no frame straight to the channel.

Ends: crashed
Says: `row_means` sent a message longer than any answer can be instead of an answer
"""

import os


def row_means(X):
    os.write(3, b"\xff" * 4096 + b"HTTP/1.1 200 OK\r\n\r\n<script>alert(1)</script>")
    return X[:, 0]

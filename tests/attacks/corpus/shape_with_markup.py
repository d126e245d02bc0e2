r"""Let the shape that a check quotes be a text with terminal escapes and HTML in it.

Check: rows_are_centred
Ends: failed
Says: `centre` returned an object, expected an array
"""


def row_means(X):
    return X[:, 0]


class Pretender:
    shape = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>\u202e`<img src=x onerror=alert(1)>`"


def centre(X):
    return Pretender()

r"""Print what moves cursors, sets titles, clears screens and reverses text, and raise the same.

Ends: failed
Says: `row_means` raised .*owned
"""

EVIL = (
    "\x1b]0;owned\x07\x1b[2J\x1b[1;1H\x1b[31mred\x1b[0m\x9b31m\x1b]8;;http://evil\x07link\x1b]8;;\x07"
    "\r\x08\x08\x00\x7f\u202eesrever\u202c\u2066\u200b\ufeff\u2028\U000e0041"
)


def row_means(X):
    print(EVIL * 20)
    raise type(EVIL, (Exception,), {})(EVIL * 5)

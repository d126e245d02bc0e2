r"""Catch every exception and every signal, and go on for ever.

Ends: timeout
Says: `row_means` did not finish within
"""

import signal

for_all = [signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU]


def row_means(X):
    for number in for_all:
        signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            while True:
                raise ValueError
        except BaseException:
            continue

r"""Hang while the notebook is being defined, in C and with the alarm of the definitions ignored.

Ends: timeout
Says: Defining your functions failed: `your notebook` did not finish within
"""

import signal

ignored = signal.signal(signal.SIGALRM, signal.SIG_IGN)


class Forever:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        try:
            10**10**8
        except BaseException:
            continue


def row_means(X):
    return X[:, 0]

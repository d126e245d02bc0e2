r"""Call a function that was passed in without end, from many threads at once.

Check: callbacks_are_called
Ends: (timeout|crashed|failed)
Says: row_means_by
"""

import threading


def row_means_by(ask, n):
    def call():
        while True:
            try:
                ask(0)
            except BaseException:
                continue

    for _ in range(8):
        threading.Thread(target=call, daemon=True).start()
    call()

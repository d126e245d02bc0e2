r"""Call a function that was passed in with arguments that its author never thought of.

Check: callbacks_are_called
Ends: failed
Says: called the function that it was given with arguments that do not fit
"""

import numpy as np


def row_means_by(ask, n):
    ask(np.zeros((0, 2**20)))
    ask(*[object()] * 50, **{"i": 1, "self": 2})

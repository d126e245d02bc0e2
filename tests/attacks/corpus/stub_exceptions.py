r"""Raise what the grader treats specially: its own exceptions, and those that mean something else.

Ends: failed
Says: `row_means` (is not defined in your notebook|raised)
"""

import gc


def row_means(X):
    kinds = [o for o in gc.get_objects() if isinstance(o, type) and issubclass(o, BaseException)]
    special = {k.__name__: k for k in kinds}
    print(sorted(special)[:5])
    raise special.get("_NotDefined", RuntimeError)("could_not_run")

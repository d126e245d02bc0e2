r"""Use names that look like others, change direction, or end lines: ｒow_means, cеntre, \u202e.

Ends: failed
Says: `row_means` is not defined in your notebook
"""


def cеntre(X):  # the second letter is Cyrillic
    return X


def rоw_means(X):  # and so is this one
    return X[:, 0]


globals()["row_means\u202e\x1b[31m<script>"] = rоw_means

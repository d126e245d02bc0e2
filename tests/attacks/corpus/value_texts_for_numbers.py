r"""Return texts that turn into the right numbers, or into no number, when somebody converts them.

Ends: failed
Says: row_means\(X\) is a list
"""


def row_means(X):
    return ["nan", "1e999", "0x10", "٣", "\ud800"]

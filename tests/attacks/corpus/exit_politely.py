r"""Leave with SystemExit, KeyboardInterrupt and GeneratorExit, as if somebody had asked for it.

Ends: failed
Says: `row_means` raised SystemExit
"""


def row_means(X):
    try:
        raise GeneratorExit
    except GeneratorExit:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise SystemExit(0) from None

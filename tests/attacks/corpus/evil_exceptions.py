r"""Raise exceptions whose text, type and traceback fail, lie or never end when looked at.

Ends: (failed|timeout|crashed)
Says: `row_means`
"""


class Name(type):
    @property
    def __name__(cls):
        raise SystemExit

    def __repr__(cls):
        while True:
            pass


class Evil(Exception, metaclass=Name):
    def __str__(self):
        raise Evil

    @property
    def __traceback__(self):
        return self

    __cause__ = __context__ = property(lambda self: self)


def row_means(X):
    raise Evil

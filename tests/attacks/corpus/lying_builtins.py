r"""Return subclasses of list, float, str and tuple whose items change with every look.

Ends: failed
Says: row_means\(X\) is (a list|an object of type)
"""


class Items(list):
    def __iter__(self):
        return iter(range(5))

    def __len__(self):
        return 5

    def __getitem__(self, place):
        return 3.0


class Number(float):
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


def row_means(X):
    return [Number(3), Items(), Number(3), Number(3), Number(3)]

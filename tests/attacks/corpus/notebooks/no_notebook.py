r"""Hand in a program under the notebook's name.

Says: it is not JSON
"""


def build(notebook):
    return b"\x7fELF\x02\x01\x01" + bytes(1000)

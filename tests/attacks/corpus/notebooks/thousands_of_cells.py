r"""Hand in more cells than anybody writes.

Says: the notebook has 50,000 cells, more than
"""


def build(notebook):
    notebook["cells"] = [{"cell_type": "code", "metadata": {}, "source": "x = 1"}] * 50_000
    return notebook

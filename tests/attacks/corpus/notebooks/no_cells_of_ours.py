r"""Hand in a notebook in which nothing of ours is left: no given cell, no check, no question.

Says: The cell row_means is missing
"""


def build(notebook):
    notebook["cells"] = [
        {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": [], "id": "x"}
    ]
    return notebook

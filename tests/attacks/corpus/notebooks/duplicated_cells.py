r"""Repeat every cell a hundred times, graded ones too, under the same grade_id and the same id.

Says: is there more than once
"""


def build(notebook):
    notebook["cells"] = [cell for cell in notebook["cells"] for _ in range(100)]
    return notebook

r"""Give every cell a type that nbformat does not know, or the other's.

Says: is no code cell any more
"""


def build(notebook):
    for i, cell in enumerate(notebook["cells"]):
        cell["cell_type"] = ["raw", "heading", None, {"code": 1}, "CODE", "code ", ["code"]][i % 7]
    return notebook

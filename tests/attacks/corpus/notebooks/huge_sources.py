r"""Fill hundreds of cells with as much source as a cell may have.

Says: (more than|larger than|left out)
"""


def build(notebook):
    source = "x = '" + "y" * 400_000 + "'"
    for i in range(60):
        notebook["cells"].append(
            {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "id": f"x{i}"}
        )
    return notebook

r"""Replace every graded cell by one that is content, and every given one by a hostile one.

Says: The cell check_row_means was edited: its original counts
"""


def build(notebook):
    for cell in notebook["cells"]:
        grader = cell["metadata"].get("nbgrader", {})
        if grader.get("grade") and cell["cell_type"] == "code":
            cell["source"] = "row_means = centre = lambda X: 1000.0\nassert True"
        elif cell["cell_type"] == "code" and not grader:
            cell["source"] = "import numpy as np\nnp.asarray = np.allclose = lambda *_, **__: True"
    return notebook

r"""Give metadata of every type but dictionaries, at every level."""


def build(notebook):
    odd = [
        None,
        3,
        "text",
        [],
        [{}],
        {"nbgrader": None},
        {"nbgrader": []},
        {"nbgrader": "x"},
        {"nbgrader": {"grade_id": None}},
        {"nbgrader": {"grade_id": ["row_means"]}},
        {"nbgrader": {"grade_id": {"row_means": 1}}},
        {"tags": 3},
    ]
    notebook["cells"] += [{"cell_type": "code", "metadata": m, "source": "x = 1"} for m in odd]
    notebook["metadata"] = []
    return notebook

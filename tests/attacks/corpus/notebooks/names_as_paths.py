r"""Use paths, statements and markup as names of cells, kernels and the notebook itself."""


def build(notebook):
    evil = [
        "../../../../gradebook.db",
        "'; DROP TABLE grade; --",
        "<img src=x onerror=alert(1)>",
        "\x1b]0;x\x07",
        "/etc/passwd",
        "row_means\u202e",
        "a" * 100_000,
        "",
        "{{7*7}}",
    ]
    for i, cell in enumerate(notebook["cells"]):
        cell["id"] = evil[i % len(evil)]
        if i % 2:
            cell["metadata"]["nbgrader"] = {"grade_id": evil[i % len(evil)], "grade": True}
    command = {"name": "../../bin/sh", "display_name": "x", "argv": ["touch", "/tmp/owned"]}
    notebook["metadata"] = {
        "kernelspec": command,
        "language_info": {"name": "bash"},
        "title": evil[2],
        "jupytext": {"formats": "ipynb,../../../evil//py"},
    }
    return notebook

r"""Tag graded cells so that they are not executed, which nbgrader takes for full points."""


def build(notebook):
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "demo", "raises-exception", "remove-cell"]
    return notebook

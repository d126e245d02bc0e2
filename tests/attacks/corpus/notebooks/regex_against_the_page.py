r"""Write source on which a highlighter's regular expressions take the square of its length."""


def build(notebook):
    slow = {"row_means": " \n" * 9_000, "centre": "@a.%(" * 3_500}
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = slow.get(name, "") + "\nx = 1" if name in slow else cell["source"]
    return notebook

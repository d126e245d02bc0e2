r"""Give sources of every type but text, in lists and in each other.

Says: (could not be read and were left out|is missing)
"""


def build(notebook):
    odd = [None, 3, True, {}, {"text": "x"}, [[["x = 1"]]], [None], [1, 2], ["a", None], 1e308]
    for i, cell in enumerate(notebook["cells"]):
        cell["source"] = odd[i % len(odd)]
    notebook["cells"] += [None, 3, "code", [], {}, {"cell_type": "code"}, {"source": "x"}]
    return notebook

r"""Put markup, terminal escapes and direction marks into the source that the page shows."""


def build(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "row_means":
            cell["source"] = (
                "def row_means(X):\n"
                "    '''</code></pre><script>alert(1)</script>\x1b[2J\x07\u202e \u2066 \x00 \x9b31m'''\n"
                "    return f'</style><style>*{{display:none}}</style>' # <img src=x onerror=alert(1)>\n"
            )
    return notebook

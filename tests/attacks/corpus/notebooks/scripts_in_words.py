r"""Put scripts, styles, frames and dangerous links into answers, added texts and raw cells."""


def build(notebook):
    evil = (
        "<script>alert(1)</script><img src=x onerror=alert(1)><iframe src=//evil></iframe>"
        "[click](javascript:alert(1)) <style>body{display:none}</style><svg onload=alert(1)>"
        "<a href='data:text/html,x'>x</a> $$\\href{javascript:alert(1)}{x}$$ \x1b[2J \u202e"
    )
    for cell in notebook["cells"]:
        grader = cell["metadata"].get("nbgrader", {})
        if grader.get("solution") and grader.get("grade"):
            cell["source"] = evil
    for kind in ("markdown", "raw", "code"):
        notebook["cells"].append(
            {
                "cell_type": kind,
                "metadata": {},
                "source": evil,
                "id": kind,
                "attachments": {"x.svg": {"image/svg+xml": "PHN2Zz4="}},
            }
        )
    return notebook

r"""Waste time in a thousand assignments, each shorter than the limit of one."""


def build(notebook):
    source = "import time\nx = time.sleep(0.4)"
    more = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for _ in range(1000)
    ]
    notebook["cells"] = more + notebook["cells"]
    return notebook

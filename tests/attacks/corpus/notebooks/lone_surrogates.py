r"""Put lone surrogates into every text: they fit into no UTF-8 file that somebody writes later."""

import json


def build(notebook):
    for cell in notebook["cells"]:
        cell["source"] += "\n# \udcff \ud800" if cell["cell_type"] == "code" else " \udcff"
        cell["metadata"]["name"] = "\udcff"
    return json.dumps(notebook).encode()

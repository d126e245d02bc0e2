r"""Bring outputs along that look like a graded notebook's, with scripts and a perfect result in them."""


def build(notebook):
    evil = "<script>alert(1)</script>"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [
                {"output_type": "stream", "name": "stdout", "text": "✓ 3/3  The means agree\n"},
                {
                    "output_type": "execute_result",
                    "execution_count": 1,
                    "metadata": {},
                    "data": {"text/plain": "1000.0", "text/html": evil, "image/svg+xml": evil},
                },
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"application/javascript": "alert(1)"},
                },
            ]
    return notebook

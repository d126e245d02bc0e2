r"""Say everything twice: readers that take the first and readers that take the last see two notebooks."""

import json


def build(notebook):
    text = json.dumps(notebook)
    cells = '"cells": [{"cell_type": "code", "metadata": {}, "source": "row_means = 1"}], '
    return (text[0] + cells + text[1:-1] + ', "cells": []}').encode()

"""``python -m cs231n_lib``: the console where its script is not on the path."""

from cs231n_lib.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main(prog_name="cs231n")

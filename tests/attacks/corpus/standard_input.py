r"""Ask whoever sits at the terminal, and wait for the answer.

Ends: failed
Says: EOFError
"""

import getpass


def row_means(X):
    try:
        getpass.getpass("Password: ")
    except EOFError:
        print("nobody there")
    return input("points? ")

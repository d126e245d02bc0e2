# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The mean of rows
#
# Write two functions.

# %%
import numpy as np

from cs231n_lib.checking import assert_close


# %% nbgrader={"grade": false, "grade_id": "row_means", "locked": false, "schema_version": 3, "solution": true, "task": false}
def row_means(X):
    """Return the mean of each row of X, shape (N, D) -> (N,)."""
    ### BEGIN SOLUTION
    total = X.sum(axis=1)
    return total / X.shape[1]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_row_means", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
assert_close(row_means(np.array([[1.0, 3.0]])), np.array([2.0]), name="row_means")


# %% nbgrader={"grade": false, "grade_id": "centre", "locked": false, "schema_version": 3, "solution": true, "task": false}
def centre(X):
    """Return X with the mean of each row taken off."""
    ### BEGIN SOLUTION
    means = row_means(X)
    return X - means[:, None]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_centre", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
assert_close(centre(np.array([[1.0, 3.0]])), np.array([[-1.0, 1.0]]), name="centre")

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
print(centre(np.arange(6.0).reshape(2, 3)).sum())

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_why", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Question.** Why is the sum of a centred row zero?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_why", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The mean times the number of entries is their sum, so taking it off each entry leaves nothing.

"""The page that a student reads after grading: one self-contained HTML file for each notebook."""

from .page import feedback_page

__all__ = ["feedback_page"]

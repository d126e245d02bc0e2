"""The page that a student reads after grading: one self-contained HTML file for each notebook."""

from .page import PersonsGrade, feedback_page

__all__ = ["PersonsGrade", "feedback_page"]

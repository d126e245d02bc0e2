"""The class report: what an instructor teaches from, made from the reports of all hand-ins."""

from .write import ClassReport, class_report

__all__ = ["ClassReport", "class_report"]

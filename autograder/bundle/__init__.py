"""The bundle: all that students receive of an assignment, in one zip file."""

from .pack import Bundle, make_bundle

__all__ = ["Bundle", "make_bundle"]

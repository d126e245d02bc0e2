"""From text to what an instructor reads (``source/``) and what students get (``release/``)."""

from .pipeline import Built, build

__all__ = ["Built", "build"]

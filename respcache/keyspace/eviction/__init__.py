"""What goes when memory is short: the policies, and the evictor that applies them."""

from .evictor import Evictor

__all__ = ["Evictor"]

"""Loading: keys that are missing come from the database behind the cache. See ``loader.py`` for what to write."""

from .loader import KEEP, Change, Loaded, Loader, LoadError, Missing

__all__ = ["KEEP", "Change", "LoadError", "Loaded", "Loader", "Missing"]

"""Copies of what other nodes serve: how they are kept in step, and how one of them takes over."""

"""Formats of a user's own files, one module each."""

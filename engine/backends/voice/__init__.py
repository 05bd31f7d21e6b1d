"""Narrators, one file per family."""

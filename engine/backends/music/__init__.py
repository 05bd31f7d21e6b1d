"""Composers, one file per family."""

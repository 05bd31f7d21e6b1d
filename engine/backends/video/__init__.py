"""Animators, one file per family."""

"""Artists, one file (or folder) per family."""

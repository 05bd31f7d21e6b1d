"""Writers, one file per family."""

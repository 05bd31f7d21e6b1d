"""The commands of the server, one file each; they import what is heavy when they run."""

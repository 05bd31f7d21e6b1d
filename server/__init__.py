"""HTTP, accounts and jobs. Never imports a model library; so far only the command line's entry point and settings."""

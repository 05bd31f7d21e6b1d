"""HTTP: what comes in is checked, what goes out has one shape. Decides nothing about films, accounts or jobs."""

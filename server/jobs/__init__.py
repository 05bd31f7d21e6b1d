"""Jobs: accepted in one transaction, claimed with a lease, ended exactly once, whatever dies meanwhile."""

"""The operations of /api/v1, one file per noun: they read a request, call the domain and spell the answer."""

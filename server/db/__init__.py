"""The database: connections, columns, migrations. Each domain has its own tables in its own `models.py`."""

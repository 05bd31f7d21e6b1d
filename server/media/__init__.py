"""Media: files with unguessable public addresses; where they lie, how they are served, when they go."""

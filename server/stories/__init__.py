"""Stories and what was made for them: characters, scenes, items, clips; readable as soon as they exist."""

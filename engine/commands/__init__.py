"""The commands, one file each: they read flags, call the engine and answer. No film is made in here."""

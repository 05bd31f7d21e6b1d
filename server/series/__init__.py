"""Series: characters that keep their face from story to story."""

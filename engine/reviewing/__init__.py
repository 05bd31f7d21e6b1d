"""Measurements of a film, a file each for pictures, sound, words and the film as a whole; they mend nothing."""

"""Pure text: what a sentence must be to be accepted, and what a text is about. Knows no model and no stage."""

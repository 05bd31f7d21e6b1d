"""The pages for people: files of this folder, and who serves them."""

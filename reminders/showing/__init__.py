"""Answers of larger commands on the terminal and as files, one module each; ``show.py`` has what they share."""

"""The command ``gradus``: one file per verb; each parses, calls and prints."""

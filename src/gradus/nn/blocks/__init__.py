"""The building blocks of published networks, one kind a file."""

"""Words everyone shares. Imports nothing else of gradus."""

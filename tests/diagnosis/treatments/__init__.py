"""Treatments of a live network."""

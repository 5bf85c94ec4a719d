"""What gradus costs and what it reaches, measured."""

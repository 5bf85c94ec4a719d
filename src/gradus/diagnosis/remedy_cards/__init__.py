"""What there is to do about symptoms and causes: a card for each remedy."""

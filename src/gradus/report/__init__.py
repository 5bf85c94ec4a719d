"""What a run came to, as people read it."""

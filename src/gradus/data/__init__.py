"""From files and arrays to batches."""

"""Remedies applied to a live network and what hangs on it: optimizers, schedules, moving averages."""

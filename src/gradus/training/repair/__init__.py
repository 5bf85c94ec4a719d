"""Repair: the doctor names a cause, the recipe is amended, and the amended run is kept if it is better."""

"""Examination before training: the first steps under watch, and trials on a copy of the first of them."""

"""The doctor: watches any PyTorch program, says what is wrong with it and why."""

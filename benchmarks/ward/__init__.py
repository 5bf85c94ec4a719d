"""The ward: faulty programs with their healthy twins, and healthy ones with unusual habits, under the doctor's eyes."""

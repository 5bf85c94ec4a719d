"""A place for the doctor in other tools. Each module needs the library it is named after, and nothing here loads it."""

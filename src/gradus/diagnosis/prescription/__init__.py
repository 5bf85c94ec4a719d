"""From a cause to a small change of the user's own source.

`program` reads source and finds things in it, `edits` changes text and shows the difference, `fixes` is the table of
what can be changed for each remedy, one family of fixes a file, and `prescribe` puts them in order.
"""

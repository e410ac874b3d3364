"""A document as a tree of sections, text, tables and figures, and the renderers that turn it into a medium.

A subject (``views/subjects``) builds the tree from a typed result; `terminal`, `html` and `markdown` know no subject.
Text in the tree is plain: a hyphen before a digit is a minus sign, and renderers set it as their medium can.
"""

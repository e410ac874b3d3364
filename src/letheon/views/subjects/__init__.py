"""Subjects: each turns a typed result into a document tree, and knows no medium."""

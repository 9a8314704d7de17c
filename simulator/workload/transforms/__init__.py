"""Transforms: a network in, another network out. None changes what it was given."""

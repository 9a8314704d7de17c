"""How layers run on arrays: bindings, tilings, closed-form laws, and the tape they put down.

Knows widths, tiles and partial order; knows no absolute time and no price.
"""

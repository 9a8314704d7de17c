"""One module for each kind of array: how it plans, runs and accounts a network. Knows all below it.

``registry`` names them all; a new kind is a description class (:mod:`simulator.arch.arrays`), a module here and one
entry there.
"""

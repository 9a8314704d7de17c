"""How tensors with zeros are stored: exact encoders, decoders and sizes in bits, metadata included.

Knows values, masks and bit widths; knows no layer, no array and no time.
"""

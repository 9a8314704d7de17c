"""Search over the mappings of layers, priced by closed forms; mappings as people write them."""

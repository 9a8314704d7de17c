"""Published numbers beside simulated ones: one file a chip, each with its table, its sources and its tags."""

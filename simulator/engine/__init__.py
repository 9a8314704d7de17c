"""Running tapes over the memory system: timeline, and where the time went. Knows records only."""

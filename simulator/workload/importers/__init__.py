"""Readers of other tools' model files. Each makes a checked layer graph, or says what it cannot read."""

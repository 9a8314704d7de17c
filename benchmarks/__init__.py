"""Speed and memory, measured: ``python -m benchmarks`` runs every case and holds it against its target.

Wall time and processor time are both reported, medians over repeats; a verdict looks at wall time alone, so a busy
machine can only make it worse. Ratios compare two ways of doing the same work in the same run on the same machine.
"""

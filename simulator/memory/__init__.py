"""Off-chip and on-chip memory timing: how many cycles, for how many bytes when. Knows no layer."""

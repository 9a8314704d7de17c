"""Units with a barrier behind every group, stepped cycle by cycle."""


def run(work):
    """Return (cycles, cycles that units stood idle); ``work`` [group][unit]."""
    cycle = idle = 0
    for group in work:
        left = list(group)
        while any(left):
            idle += sum(rest == 0 for rest in left)
            left = [max(rest - 1, 0) for rest in left]
            cycle += 1
    return cycle, idle

"""Stations in a row stepped cycle by cycle, from the drawing in docs/model/sparse_engines.md."""


class Station:
    def __init__(self):
        self.job = None  # at work
        self.left = 0
        self.done = []  # jobs finished, in order


class Row:
    """All stations, the slots between them, and what jobs wait for."""

    def __init__(self, service, slots, after, gate_station):
        self.service, self.slots, self.after, self.gate_station = service, slots, after, gate_station
        self.stations = [Station() for _ in service]
        self.left = [[None] * len(service[0]) for _ in service]

    def may_start(self, i):
        station = self.stations[i]
        job = len(station.done)
        if station.job is not None or job == len(self.service[0]):
            return False
        arrived = i == 0 or job < len(self.stations[i - 1].done)
        room = i + 1 == len(self.stations) or job - len(self.stations[i + 1].done) < self.slots[i]
        waits = i == self.gate_station and self.after[job] >= len(self.stations[-1].done)
        return arrived and room and not waits

    def finish(self, i, cycle):
        station = self.stations[i]
        if station.job is None or station.left > 0:
            return False
        self.left[i][station.job] = cycle
        station.done.append(station.job)
        station.job = None
        return True

    def settle(self, cycle):
        """Start and finish whatever can at this instant: jobs of no cycles pass at once."""
        moved = True
        while moved:
            moved = False
            for i, station in enumerate(self.stations):
                if self.may_start(i):
                    station.job = len(station.done)
                    station.left = self.service[i][station.job]
                    moved = True
                moved |= self.finish(i, cycle)

    def clock(self):
        for station in self.stations:
            if station.job is not None:
                station.left -= 1


def run(service, slots, after, gate_station):
    """Return the cycle at which each job leaves each station; ``service`` [station][job]."""
    row = Row(service, slots, after, gate_station)
    cycle = 0
    row.settle(cycle)
    while len(row.stations[-1].done) < len(service[0]):
        row.clock()
        cycle += 1
        row.settle(cycle)
    return row.left

"""Encoders that walk one element at a time, written from the formats' descriptions."""


def relative_columns(matrix, pes, index_bits):
    """Per PE and column, the list of (value, zeros before it); longer runs take (0, longest) entries."""
    span = 2**index_bits
    memories = []
    for pe in range(pes):
        local_rows = [row for i, row in enumerate(matrix) if i % pes == pe]
        columns = []
        for column in range(len(matrix[0])):
            entries, zeros = [], 0
            for row in local_rows:
                if row[column] == 0:
                    zeros += 1
                    continue
                while zeros >= span:
                    entries.append((0, span - 1))
                    zeros -= span
                entries.append((int(row[column]), zeros))
                zeros = 0
            columns.append(entries)
        memories.append(columns)
    return memories


def run_length_pairs(values, run_bits):
    """(zeros before, value) pairs; a full run is followed by one more zero as its value."""
    longest = 2**run_bits - 1
    pairs, zeros = [], 0
    for value in values:
        if value != 0 or zeros == longest:
            pairs.append((zeros, int(value)))
            zeros = 0
        else:
            zeros += 1
    if zeros:
        pairs.append((zeros - 1, 0))
    return pairs


def run_length_words(pairs, run_bits, level_bits, per_word):
    """64-bit words, lowest pair first, the top bit set in the last word only."""
    words = []
    for first in range(0, len(pairs), per_word):
        word = 0
        for slot, (run, level) in enumerate(pairs[first : first + per_word]):
            symbol = run + (level % 2**level_bits) * 2**run_bits
            word += symbol * 2 ** (slot * (run_bits + level_bits))
        words.append(word)
    if words:
        words[-1] += 2**63
    return words

#!/usr/bin/env python3
"""Reads the dense form from its description alone: check_dense.py VECTORS

The description stands in the headers of core/signal: codec.cc, dense_block.h, dense_stamps.cc,
dense_residuals.h, dense_integers.h, dense_channel.h, guise.h, predictor.h, prefix_code.cc, floats.cc.
Uses Python's standard library, and libzstd for true floats. Exit code 0 when every vector decodes to
what it says; one that does not is named.
"""

import ctypes
import ctypes.util
import struct
import sys
from pathlib import Path

TYPES = {"int16": (1, 2, "h"), "int32": (2, 4, "i"), "float32": (3, 4, "f"), "float64": (4, 8, "d")}
MASK64 = (1 << 64) - 1
CODE_BITS = 11
ESCAPE = "escape"


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError("the bytes end early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def signed(self):
        return unzigzag(self.varint())


class Bits:
    """A bit stream that begins at `at`; the lowest bit of a byte comes first."""

    def __init__(self, data, at=0):
        self.data, self.begin, self.used = data, at, 0

    def get(self, bits):
        value = 0
        for i in range(bits):
            at = self.used + i
            value |= (self.data[self.begin + at // 8] >> at % 8 & 1) << i
        self.used += bits
        return value

    def bytes_used(self):
        return (self.used + 7) // 8


def bits_of(reader):
    return Bits(reader.data, reader.at)


def unzigzag(value):
    return value >> 1 ^ -(value & 1)


def wrap(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


# Codes ---------------------------------------------------------------------------------------------


def canonical(lengths):
    """{(bits, code read bit by bit, first bit highest): symbol}"""
    codes, code = {}, 0
    for bits in range(1, CODE_BITS + 1):
        code <<= 1
        for symbol, length in lengths.items():
            if length == bits:
                codes[bits, code] = symbol
                code += 1
    if code != 1 << CODE_BITS:
        raise ValueError("the code is not complete")
    return codes


def read_symbol(codes, bits):
    if not isinstance(codes, dict):
        return codes  # the only one
    code = 0
    for length in range(1, CODE_BITS + 1):
        code = code << 1 | bits.get(1)
        if (length, code) in codes:
            return codes[length, code]
    raise ValueError("no such code")


def level_code(reader):
    lengths, magnitude = {}, 0
    for bits in range(1, CODE_BITS):
        for _ in range(reader.number("B")):
            lengths[magnitude] = bits
            magnitude += 1
    lengths[ESCAPE] = reader.number("B")
    return canonical(lengths)


def read_level(codes, has_sign, bits):
    magnitude = read_symbol(codes, bits)
    if magnitude == ESCAPE:
        return ESCAPE
    if not has_sign:
        return unzigzag(magnitude)
    return -1 - magnitude if bits.get(1) else magnitude


def symbol_code(reader):
    count = reader.number("B")
    bits = Bits(reader.take((count + 1) // 2))
    lengths = {symbol: bits.get(4) for symbol in range(count)}
    if not any(lengths.values()):
        return max(count - 1, 0)
    return canonical(lengths)


# Stamps --------------------------------------------------------------------------------------------


def rice(reader, count):
    """The residuals of EncodeStamps."""
    bits, values = bits_of(reader), []
    while len(values) < count:
        parameter = bits.get(6)
        for _ in range(min(128, count - len(values))):
            zeros = 0
            while zeros < 20 and not bits.get(1):
                zeros += 1
            if zeros == 20:
                values.append(bits.get(bits.get(6) + 1))
            else:
                values.append(zeros << parameter | bits.get(parameter))
    reader.take(bits.bytes_used())
    return values


def live_stamps(reader):
    form = reader.number("B")
    if form == 0:
        return ("exact", [])
    count = reader.varint()
    if form == 1:
        first = reader.signed()
        return ("regular", [count, first, wrap(first + reader.signed(), 64)])
    tick_ns = 10 ** reader.number("B")
    phase, tick = reader.varint(), reader.signed()
    stamps = [phase + tick_ns * tick]
    if count > 1:
        typical = reader.signed()
        for rest in rice(reader, count - 1):
            tick = wrap(tick + unzigzag(rest) + typical, 64)
            stamps.append(phase + tick_ns * tick)
    return ("exact", stamps)


def regular_blocks(reader, count):
    blocks, expected, step = [], 0, 0
    for _ in range(count):
        samples = reader.varint()
        first = wrap(expected + reader.signed(), 64)
        span = wrap(step * (samples - 1) + reader.signed(), 64)
        if samples > 1:
            step = abs(span) // (samples - 1) * (1 if span >= 0 else -1)
        blocks.append(("regular", [samples, first, wrap(first + span, 64)]))
        expected = first + span + step
    return blocks


def rests_of(reader, count):
    shift, near, far = reader.number("B"), reader.number("B"), reader.number("B")
    codes = [symbol_code(reader) for _ in range(5)]
    sizes = [reader.varint() for _ in range(4)]
    levels, lane_symbols = [], (count + 3) // 4
    for lane, size in enumerate(sizes):
        bits, context = Bits(reader.take(size)), 2
        for _ in range(lane * lane_symbols, min(count, (lane + 1) * lane_symbols)):
            symbol = read_symbol(codes[context], bits)
            if symbol == 0:
                levels.append(ESCAPE)
                context = 2
                continue
            level = unzigzag(symbol - 1)
            levels.append(level)
            context = 2 + (level >= near) + (level >= far) - (level <= -near) - (level <= -far)
        assert bits.bytes_used() == size
    low = bits_of(reader)
    rests = [None if level == ESCAPE else level << shift | low.get(shift) for level in levels]
    reader.take(low.bytes_used())
    return [reader.signed() if rest is None else rest for rest in rests]


def exact_blocks(reader, count):
    counts = [reader.varint() for _ in range(count)]
    tick_ns = 10 ** reader.number("B")
    phase, tick, typical = reader.varint(), reader.signed(), reader.signed()
    ticks = [tick]
    if sum(counts) > 1:
        for rest in rests_of(reader, sum(counts) - 1):
            ticks.append(wrap(ticks[-1] + rest + typical, 64))
    stamps, blocks = [phase + tick_ns * tick for tick in ticks], []
    for samples in counts:
        blocks.append(("exact", stamps[:samples]))
        stamps = stamps[samples:]
    return blocks


def dense_stamps(reader):
    count, form = reader.varint(), reader.number("B")
    if form == 0:
        return [live_stamps(reader) for _ in range(count)]
    return regular_blocks(reader, count) if form == 1 else exact_blocks(reader, count)


# Integers ------------------------------------------------------------------------------------------


def residuals(reader, count, width, tables):
    levels_codes, steps = tables
    groups = (count + 15) // 16
    bits, classes, before = bits_of(reader), [], 0
    for _ in range(groups):
        before += unzigzag(read_symbol(steps, bits))
        classes.append(before)
    reader.take(bits.bytes_used())
    sizes = [reader.varint() for _ in range(4)]
    streams = [Bits(reader.take(size)) for size in sizes]
    values = []
    for group_class in classes:
        if group_class == 0:
            values += [0] * 16
            continue
        shift, code = max(group_class - 4, 0), min(group_class, 4) - 1
        levels = [read_level(levels_codes[code], code == 3, streams[i % 4]) for i in range(16)]
        low = Bits(reader.take(2 * shift))
        for level in levels:
            rest = low.get(shift)
            values.append(ESCAPE if level == ESCAPE else level << shift | rest)
    for stream, size in zip(streams, sizes):
        assert stream.bytes_used() == size
    form = "i" if width == 32 else "h"
    return [reader.number(form) if value == ESCAPE else value for value in values][:count]


def unpredict(values, width, taps, shift, book, choices, heads):
    low, high = -(1 << width - 1), (1 << width - 1) - 1
    lane_values = (len(values) + 511) // 512 * 64
    for lane, begin in enumerate(range(0, len(values), lane_values)):
        for i in range(begin, min(begin + lane_values, len(values))):
            t = i - begin
            if t == 0:
                prediction = heads[lane]
            elif t == 1:
                prediction = values[i - 1]
            elif t < 16:
                prediction = 2 * values[i - 1] - values[i - 2]
            else:
                weights = book[choices[i // 64]]
                total = sum(weights[j] * values[i - 1 - j] for j in range(taps))
                prediction = total + (1 << shift) // 2 >> shift
            values[i] = wrap(values[i] + min(max(prediction, low), high), width)
    return values


def dense_integers(reader, count, tables):
    stride, base, head = reader.varint(), reader.signed(), reader.number("B")
    width = 32 if head & 1 else 16
    taps, predictors = head >> 1 & 7, (head >> 4) + 1
    taps = 1 << taps if taps else 0
    if taps:
        shift, coefficient_bits = reader.number("B"), reader.number("B")
        bits = bits_of(reader)
        book = [
            [unzigzag(bits.get(coefficient_bits)) for _ in range(taps)] for _ in range(predictors)
        ]
        choice_bits = (predictors - 1).bit_length()
        choices = [bits.get(choice_bits) for _ in range((count + 63) // 64)]
        reader.take(bits.bytes_used())
        lane_values = (count + 511) // 512 * 64
        heads, before = [], 0
        for _ in range(0, count, lane_values or 1):
            before += reader.signed()
            heads.append(before)
    values = residuals(reader, count, width, tables)
    if taps:
        values = unpredict(values, width, taps, shift, book, choices, heads)
    return [wrap(base + stride * value, 32) for value in values]


# Channels ------------------------------------------------------------------------------------------


def float_bytes(form, value):
    """As the nearest float; the double is exact or rounded once."""
    return struct.pack("<" + form, value)


def disguised(reader, count, form, tables):
    operation, factor = reader.number("B"), reader.number("d")
    size, runs, end = struct.calcsize(form), [], 0
    for _ in range(reader.varint()):
        begin = end + reader.varint()
        end = begin + reader.varint() + 1
        runs.append((begin, end, reader.take(size)))
    integers = dense_integers(reader, count, tables)
    values = [float_bytes(form, k * factor if operation == 1 else k / factor) for k in integers]
    for begin, end, value in runs:
        values[begin:end] = [value] * (end - begin)
    return b"".join(values)


def zstd(frame, size):
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    target = ctypes.create_string_buffer(size)
    got = library.ZSTD_decompress(
        target, ctypes.c_size_t(size), frame, ctypes.c_size_t(len(frame)))
    assert got == size
    return target.raw


def true_floats(reader, count, size):
    if reader.number("B") == 0:
        return reader.take(count * size)
    planes = zstd(reader.take(reader.varint()), count * size)
    bits, sign, last, values = 8 * size, 1 << 8 * size - 1, 0, []
    for i in range(count):
        rest = sum(planes[plane * count + i] << 8 * plane for plane in range(size))
        last = last + unzigzag(rest) & (1 << bits) - 1
        value = last & ~sign if last & sign else ~last & (1 << bits) - 1
        values.append(value.to_bytes(size, "little"))
    return b"".join(values)


def dense_channel(reader, name, count, tables):
    number, size, form = TYPES[name]
    head = reader.number("B")
    assert head & 15 == number
    guise = head >> 4
    if name.startswith("int"):
        values = dense_integers(reader, count, tables)
        return b"".join(wrap(v, 8 * size).to_bytes(size, "little", signed=True) for v in values)
    if guise == 0:
        return true_floats(reader, count, size)
    if guise == 1:
        narrow = dense_channel(reader, "float32", count, tables)
        return b"".join(struct.pack("<d", v) for (v,) in struct.iter_unpack("<f", narrow))
    return disguised(reader, count, form, tables)


def decode(channels, encoded):
    """[(stamps, values)] of the blocks."""
    reader = Bytes(encoded[:-4])
    assert crc32c(encoded[:-4]) == struct.unpack("<I", encoded[-4:])[0]
    assert reader.number("B") == 2
    stamps = dense_stamps(reader)
    used = reader.number("B")
    tables = ([level_code(reader) if used >> i & 1 else None for i in range(4)], symbol_code(reader))
    assert reader.varint() == len(channels)
    counts = [s[0] if form == "regular" else len(s) for form, s in stamps]
    values = [b""] * len(counts)
    for name in channels:
        channel, size = dense_channel(reader, name, sum(counts), tables), TYPES[name][1]
        for b, count in enumerate(counts):
            values[b] += channel[: count * size]
            channel = channel[count * size :]
    assert reader.at == len(reader.data)
    return list(zip(stamps, values))


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 & -(crc & 1))
    return crc ^ 0xFFFFFFFF


def main():
    vectors, names = [], []
    for line in Path(sys.argv[1]).read_text(encoding="ascii").splitlines():
        key, _, rest = line.partition(" ")
        if key == "vector":
            vectors.append({"name": rest, "channels": [], "blocks": []})
        elif key == "channels":
            vectors[-1]["channels"] = rest.split()
        elif key in ("regular", "exact"):
            vectors[-1]["blocks"].append([(key, [int(number) for number in rest.split()])])
        elif key == "values":
            vectors[-1]["blocks"][-1].append(bytes.fromhex(rest))
        elif key == "encoded":
            vectors[-1]["encoded"] = bytes.fromhex(rest)
    for vector in vectors:
        blocks = [tuple(block) for block in vector["blocks"]]
        if decode(vector["channels"], vector["encoded"]) != blocks:
            sys.exit(f"{vector['name']}: decodes to something else")
        names.append(vector["name"])
    if not names:
        sys.exit("no vectors")
    print(f"{len(names)} vectors hold: {', '.join(names)}")


if __name__ == "__main__":
    main()

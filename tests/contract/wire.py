"""A reader and writer of protobuf's wire format, as small as the messages of Tidemark need.

A schema is {field number: (name, kind)}; kind is one of
  "uint32" "uint64" "sint32" "sfixed64" "bytes" "string"
  {"enum": {name: number}}  {"message": schema}  and each of them in a list for a repeated field.
A message is a dict by name, in which fields at their default are absent.
"""

import struct

VARINT, FIXED64, LENGTH = 0, 1, 2


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


def write_varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def wire_type(kind):
    if kind == "sfixed64":
        return FIXED64
    if kind in ("bytes", "string") or isinstance(kind, dict) and "message" in kind:
        return LENGTH
    return VARINT


def decode_value(kind, raw):
    if kind == "sint32":
        return raw >> 1 ^ -(raw & 1)
    if kind == "sfixed64":
        return struct.unpack("<q", raw)[0]
    if kind == "string":
        return raw.decode("utf-8")
    if isinstance(kind, dict) and "message" in kind:
        return decode(kind["message"], raw)
    if isinstance(kind, dict):
        return next(name for name, number in kind["enum"].items() if number == raw)
    return raw


def encode_value(kind, value):
    if kind == "sint32":
        return write_varint((value << 1 ^ value >> 31) & 0xFFFFFFFF)
    if kind == "sfixed64":
        return struct.pack("<q", value)
    if kind == "string":
        value = value.encode("utf-8")
    elif isinstance(kind, dict) and "message" in kind:
        value = encode(kind["message"], value)
    elif isinstance(kind, dict):
        value = kind["enum"][value]
    if wire_type(kind) == VARINT:
        return write_varint(value)
    return write_varint(len(value)) + value


def decode(schema, data):
    """The message in `data`; KeyError or ValueError for a field that the schema does not have."""
    message = {}
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        name, kind = schema[tag >> 3]
        repeated = isinstance(kind, list)
        one = kind[0] if repeated else kind
        if tag & 7 != wire_type(one):
            raise ValueError(f"{name}: wire type {tag & 7}")
        if tag & 7 == VARINT:
            raw, at = read_varint(data, at)
        else:
            size = 8
            if tag & 7 == LENGTH:
                size, at = read_varint(data, at)
            raw, at = data[at:at + size], at + size
            if at > len(data):
                raise ValueError(f"{name}: ends early")
        value = decode_value(one, raw)
        if repeated:
            message.setdefault(name, []).append(value)
        else:
            message[name] = value
    return message


def encode(schema, message):
    """The bytes of `message`: fields in the order of their numbers, as every generator writes them."""
    out = b""
    known = {name for name, _ in schema.values()}
    if not known.issuperset(message):
        raise KeyError(f"unknown fields: {set(message) - known}")
    for number, (name, kind) in sorted(schema.items()):
        if name not in message:
            continue
        values = message[name] if isinstance(kind, list) else [message[name]]
        one = kind[0] if isinstance(kind, list) else kind
        for value in values:
            out += write_varint(number << 3 | wire_type(one)) + encode_value(one, value)
    return out

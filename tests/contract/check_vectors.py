#!/usr/bin/env python3
"""Checks the golden vectors from the definitions alone: check_vectors.py FOLDER

Uses nothing of the project but the vectors. Needs Python's standard library, and libzstd for one
envelope. Exit code 0 when every vector holds; a vector that does not is named.
"""

import base64
import ctypes
import gzip
import hashlib
import json
import struct
import sys
import uuid
from pathlib import Path

import wire
from signatures import ed25519_public_key, ed25519_verify, p256_verify

# The messages, by hand from proto/tidemark/v1 ----------------------------------------------------

SAMPLES = {
    1: ("first_counter", "uint64"), 2: ("count", "uint32"), 3: ("values", "bytes"),
    4: ("regular", {"message": {1: ("first_device_ns", "sfixed64"),
                                2: ("last_device_ns", "sfixed64")}}),
    5: ("exact_device_ns", "bytes"),
}
ENCODED = {1: ("begin_device_ns", "sfixed64"), 2: ("end_device_ns", "sfixed64"), 3: ("data", "bytes")}
BOOT_START = {
    1: ("monotonic_ns", "sfixed64"), 2: ("wall_ns", "sfixed64"), 3: ("utc_offset_s", "sint32"),
    4: ("zone", "string"), 5: ("app_version", "string"), 6: ("system_version", "string"),
}
CLOCK_PAIR = {
    1: ("clock_id", "uint32"), 2: ("sensor_ns", "sfixed64"), 3: ("monotonic_ns", "sfixed64"),
    4: ("wall_ns", "sfixed64"), 5: ("utc_offset_s", "sint32"), 6: ("zone", "string"),
}
PROBE = {
    1: ("t1_device_ns", "sfixed64"), 2: ("t2_server_ns", "sfixed64"),
    3: ("t3_server_ns", "sfixed64"), 4: ("t4_device_ns", "sfixed64"),
}
RECORD = {1: ("boot_start", {"message": BOOT_START}), 2: ("clock_pair", {"message": CLOCK_PAIR}),
          3: ("probe", {"message": PROBE})}
CHUNK_BODY = {
    1: ("version", "uint32"), 2: ("stream_id", "bytes"), 3: ("stream_version", "uint32"),
    4: ("writer_id", "bytes"), 5: ("number", "uint64"), 6: ("boot_id", "bytes"),
    7: ("clock_id", "uint32"), 8: ("samples", {"message": SAMPLES}),
    9: ("encoded", {"message": ENCODED}),
    10: ("records", {"message": {1: ("records", [{"message": RECORD}])}}),
}
CHUNK_ENVELOPE = {
    1: ("compression", {"enum": {"COMPRESSION_NONE": 1, "COMPRESSION_ZSTD": 2,
                                 "COMPRESSION_GZIP": 3}}),
    2: ("uncompressed_size", "uint32"), 3: ("sha256", "bytes"), 4: ("body", "bytes"),
}
RECEIPT_STATEMENT = {
    1: ("version", "uint32"), 2: ("device_id", "bytes"), 3: ("stream_id", "bytes"),
    4: ("writer_id", "bytes"), 5: ("number", "uint64"), 6: ("sha256", "bytes"),
    7: ("outcome", {"enum": {"OUTCOME_STORED": 1, "OUTCOME_DUPLICATE": 2, "OUTCOME_QUARANTINED": 3,
                             "OUTCOME_DAMAGED": 4, "OUTCOME_REFUSED": 5}}),
    8: ("device_action", {"enum": {
        "DEVICE_ACTION_MAY_DELETE": 1, "DEVICE_ACTION_RESEND": 2, "DEVICE_ACTION_RETRY_AFTER": 3,
        "DEVICE_ACTION_KEEP_AND_REPORT": 4, "DEVICE_ACTION_STOP_AND_DELETE": 5}}),
    9: ("reason", {"enum": {"RECEIPT_REASON_HASH_MISMATCH": 4, "RECEIPT_REASON_STREAM_UNKNOWN": 8,
                            "RECEIPT_REASON_OVERLOADED": 18}}),
    10: ("durability", {"enum": {"DURABILITY_LOCAL": 1, "DURABILITY_REPLICATED": 2}}),
    11: ("decided_at", {"message": {1: ("seconds", "uint64"), 2: ("nanos", "uint32")}}),
    12: ("restore_generation", "uint64"), 13: ("retry_after_ms", "uint32"),
}
RECEIPT_BATCH = {
    1: ("statements", ["bytes"]), 2: ("top_index", "uint32"), 3: ("top_size", "uint32"),
    4: ("top_path", ["bytes"]), 5: ("signature", "bytes"), 6: ("key_id", "string"),
}
RECEIPT = {
    1: ("statement", "bytes"), 2: ("index", "uint32"), 3: ("size", "uint32"), 4: ("path", ["bytes"]),
    5: ("top_index", "uint32"), 6: ("top_size", "uint32"), 7: ("top_path", ["bytes"]),
    8: ("signature", "bytes"), 9: ("key_id", "string"),
}

# -------------------------------------------------------------------------------------------------


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def unhex(vector, member):
    return bytes.fromhex(vector[member])


def from_json(kind, value):
    """A value in the JSON form of protobuf as wire.py has it."""
    if isinstance(kind, list):
        return [from_json(kind[0], one) for one in value]
    if isinstance(kind, dict) and "message" in kind:
        return message_from_json(kind["message"], value)
    if kind == "bytes":
        return base64.b64decode(value)
    if kind in ("uint64", "sfixed64"):
        return int(value)
    return value


def message_from_json(schema, value):
    if isinstance(value, str):  # google.protobuf.Timestamp, such as 2026-01-01T00:00:02.123456Z
        return timestamp_from_json(value)
    kinds = dict(schema.values())
    return {name: from_json(kinds[name], one) for name, one in value.items()}


def timestamp_from_json(text):
    from datetime import datetime, timezone
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    message = {"seconds": int(moment.timestamp())}
    if fraction:
        message["nanos"] = int(fraction.ljust(9, "0"))
    return message


def checked_message(schema, vector):
    """The message of a vector, read from its bytes, written again, and compared with its JSON."""
    data = unhex(vector, "bytes_hex")
    message = wire.decode(schema, data)
    expect(message == message_from_json(schema, vector["message"]), "bytes and JSON differ")
    expect(wire.encode(schema, message) == data, "written again, the bytes differ")
    return message


# Bodies ------------------------------------------------------------------------------------------

def stamps_of(samples):
    if "exact_device_ns" in samples:
        return [stamp for stamp, in struct.iter_unpack("<q", samples["exact_device_ns"])]
    first = samples["regular"].get("first_device_ns", 0)
    last = samples["regular"].get("last_device_ns", 0)
    count = samples["count"]
    return [first if count == 1 else first + i * (last - first) // (count - 1) for i in range(count)]


def bits_of(samples, types):
    """The bits of every value, per channel: planar, little-endian, without padding."""
    sizes = {"int16": 2, "int32": 4, "float32": 4, "float64": 8}
    data, at, channels = samples["values"], 0, []
    for kind in types:
        size = sizes[kind]
        channel = []
        for _ in range(samples["count"]):
            channel.append(f"0x{int.from_bytes(data[at:at + size], 'little'):0{2 * size}x}")
            at += size
        channels.append(channel)
    expect(at == len(data), "values has bytes left over")
    return channels


def check_body(vectors):
    for vector in vectors["cases"]:
        yield vector["name"]
        body = checked_message(CHUNK_BODY, vector)
        digest = hashlib.sha256(unhex(vector, "bytes_hex")).hexdigest()
        expect(digest == vector["sha256_hex"], "the hash differs")
        if "samples" in body:
            stamps = [str(stamp) for stamp in stamps_of(body["samples"])]
            expect(stamps == vector["stamps_device_ns"], "the stamps differ")
            bits = bits_of(body["samples"], vector["channel_types"])
            expect(bits == vector["values"], "the values differ")


# Envelopes and bundles ---------------------------------------------------------------------------

def decompress_zstd(data, size):
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p,
                                        ctypes.c_size_t]
    out = ctypes.create_string_buffer(size)
    expect(library.ZSTD_decompress(out, size, data, len(data)) == size, "no zstd frame of that size")
    return out.raw


def opened_body(envelope):
    data, size = envelope["body"], envelope["uncompressed_size"]
    if envelope["compression"] == "COMPRESSION_ZSTD":
        return decompress_zstd(data, size)
    if envelope["compression"] == "COMPRESSION_GZIP":
        return gzip.decompress(data)
    return data


def check_envelope(vectors):
    for vector in vectors["cases"]:
        yield vector["name"]
        envelope = checked_message(CHUNK_ENVELOPE, vector)
        body = opened_body(envelope)
        expect(body == unhex(vector, "body_hex"), "the body differs")
        expect(len(body) == envelope["uncompressed_size"], "the size differs")
        expect(hashlib.sha256(body).digest() == envelope["sha256"], "the hash differs")


def read_bundle(data):
    """(envelopes that arrived whole, whether the bundle ends inside one)"""
    if data[:4] != b"TMB1":
        raise ValueError("no bundle")
    entries, at = [], 4
    while at < len(data):
        if at + 4 > len(data):
            return entries, True
        size = struct.unpack_from("<I", data, at)[0]
        if at + 4 + size > len(data):
            return entries, True
        entries.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return entries, False


def check_bundle(vectors):
    bundle = unhex(vectors, "bundle_hex")
    envelopes = [bytes.fromhex(text) for text in vectors["envelopes_hex"]]
    yield "written"
    written = b"TMB1" + b"".join(struct.pack("<I", len(one)) + one for one in envelopes)
    expect(written == bundle, "the bytes differ")
    for cut in vectors["truncations"]:
        yield f'cut at {cut["length"]}'
        entries, truncated = read_bundle(bundle[:cut["length"]])
        expect(entries == envelopes[:cut["entries_received"]], "other entries arrive")
        expect(truncated == cut["truncated"], "truncated differs")


# Receipts ----------------------------------------------------------------------------------------

def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split_of(size):
    """The largest power of two below size."""
    return 1 << (size - 1).bit_length() - 1


def tree_root(leaves):
    """RFC 6962, section 2.1, as it is written there; leaves are hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = split_of(len(leaves))
    return node_hash(tree_root(leaves[:k]), tree_root(leaves[k:]))


def tree_path(index, leaves):
    """RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split_of(len(leaves))
    if index < k:
        return tree_path(index, leaves[:k]) + [tree_root(leaves[k:])]
    return tree_path(index - k, leaves[k:]) + [tree_root(leaves[:k])]


def root_of_path(leaf, index, size, path):
    """The root that a path, nearest first, leads to."""
    if size == 1:
        expect(not path, "the path is too long")
        return leaf
    expect(path, "the path is too short")
    k = split_of(size)
    if index < k:
        return node_hash(root_of_path(leaf, index, k, path[:-1]), path[-1])
    return node_hash(path[-1], root_of_path(leaf, index - k, size - k, path[:-1]))


def check_trees(trees):
    for tree in trees:
        yield f'tree of {tree["size"]}'
        leaves = [leaf_hash(bytes.fromhex(data)) for data in tree["leaf_data_hex"]]
        expect(len(leaves) == tree["size"], "the number of leaves differs")
        expect(tree_root(leaves).hex() == tree["root_hex"], "the root differs")
        for index, path in enumerate(tree["paths_hex"]):
            expect([one.hex() for one in tree_path(index, leaves)] == path, f"path {index} differs")


def check_receipt(vectors):
    public_key = unhex(vectors, "public_key_hex")
    yield "key"
    expect(ed25519_public_key(unhex(vectors, "ed25519_seed_hex")) == public_key, "the key differs")
    yield from check_trees(vectors["trees"])
    prefix = vectors["signature_prefix"].encode()
    expect(prefix == b"tidemark-receipt-v1", "the prefix differs")
    for number, vector in enumerate(vectors["messages"]):
        yield f"message {number}"
        batch = checked_message(RECEIPT_BATCH, vector)
        expect(batch["key_id"] == vectors["key_id"], "the key id differs")
        subtree = tree_root([leaf_hash(one) for one in batch["statements"]])
        expect(subtree == unhex(vector, "subtree_root_hex"), "the root of the subtree differs")
        top = root_of_path(subtree, batch.get("top_index", 0), batch["top_size"],
                           batch.get("top_path", []))
        expect(ed25519_verify(public_key, prefix + top, batch["signature"]), "the signature fails")
        expect(not ed25519_verify(public_key, prefix + subtree, batch["signature"]),
               "the signature holds for another root")
        for index, statement in enumerate(vector["statements"]):
            yield f"message {number}, statement {index}"
            checked_message(RECEIPT_STATEMENT, statement)
            expect(unhex(statement, "bytes_hex") == batch["statements"][index], "bytes differ")
        for index, alone in enumerate(vector["standalone"]):
            yield f"message {number}, receipt {index} alone"
            check_standalone(checked_message(RECEIPT, alone), batch, public_key, prefix)


def check_standalone(receipt, batch, public_key, prefix):
    expect(receipt["statement"] == batch["statements"][receipt.get("index", 0)], "another statement")
    subtree = root_of_path(leaf_hash(receipt["statement"]), receipt.get("index", 0), receipt["size"],
                           receipt.get("path", []))
    top = root_of_path(subtree, receipt.get("top_index", 0), receipt["top_size"],
                       receipt.get("top_path", []))
    expect(ed25519_verify(public_key, prefix + top, receipt["signature"]), "the signature fails")


# Device signatures -------------------------------------------------------------------------------

def signed_bytes(kind, inputs):
    audience = inputs.get("audience", "").encode()
    with_audience = struct.pack("<I", len(audience)) + audience
    device = uuid.UUID(inputs.get("device_id", str(uuid.UUID(int=0)))).bytes
    if kind == "bundle":
        bundle = unhex(inputs, "bundle_hex")
        return (b"tidemark-bundle-v1" + with_audience + device + hashlib.sha256(bundle).digest()
                + struct.pack("<Q", len(bundle)))
    if kind == "session":
        return b"tidemark-session-v1" + with_audience + device + unhex(inputs, "challenge_hex")
    if kind == "enrol":
        return (b"tidemark-enrol-v1" + hashlib.sha256(inputs["code"].encode()).digest()
                + unhex(inputs, "public_key_hex"))
    if kind == "rotate":
        return b"tidemark-rotate-v1" + device + unhex(inputs, "new_public_key_hex")
    raise ValueError(f"unknown kind {kind}")


def check_device_signature(vectors):
    for vector in vectors["cases"]:
        yield vector["kind"]
        message = signed_bytes(vector["kind"], vector["inputs"])
        key, signature = unhex(vector, "public_key_hex"), unhex(vector, "signature_hex")
        expect(message == unhex(vector, "message_hex"), "the message differs")
        expect(p256_verify(key, message, signature), "the signature fails")
        expect(not p256_verify(key, message + b"\0", signature), "it holds for another message")
        if "header" in vector:
            version, device, encoded = vector["header"]["value"].split(".")
            expect((version, device) == ("v1", vector["inputs"]["device_id"]), "the header differs")
            padded = encoded + "=" * (-len(encoded) % 4)
            expect(base64.urlsafe_b64decode(padded) == signature, "the header's signature differs")


CHECKS = {
    "body": check_body,
    "envelope": check_envelope,
    "bundle": check_bundle,
    "receipt": check_receipt,
    "device_signature": check_device_signature,
}


def check_file(folder, name):
    """How many vectors of a file hold; AssertionError names the first that does not."""
    vectors = json.loads((folder / f"{name}.json").read_text())
    current, count = "nothing", 0
    try:
        for current in CHECKS[name](vectors):
            count += 1
    except Exception as error:
        raise AssertionError(f"{name}.json, {current}: {type(error).__name__}: {error}") from error
    expect(count > 0, f"{name}.json: no vectors")
    return count


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    unknown = {path.stem for path in folder.glob("*.json")} - set(CHECKS)
    failures = [f"{name}.json: no check knows it" for name in sorted(unknown)]
    for name in CHECKS:
        try:
            print(f"{name}: {check_file(folder, name)} vectors hold")
        except (AssertionError, OSError, ValueError) as error:
            failures.append(str(error))
    for failure in failures:
        print(f"FAILED {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Verification of the two signature schemes of Tidemark, from their definitions.

Ed25519 (RFC 8032) for receipts, ECDSA over P-256 with SHA-256 (FIPS 186-5) for devices. Slow and not
hardened against timing: it verifies public data in tests and does nothing else.
"""

import hashlib

# Ed25519 ------------------------------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_M1 = pow(2, (_P - 1) // 4, _P)


def _edwards_add(a, b):
    (x1, y1), (x2, y2) = a, b
    product = _D * x1 * x2 * y1 * y2 % _P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, _P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, _P)
    return x % _P, y % _P


def _edwards_multiply(scalar, point):
    result = (0, 1)
    while scalar:
        if scalar & 1:
            result = _edwards_add(result, point)
        point = _edwards_add(point, point)
        scalar >>= 1
    return result


def _edwards_point(encoded):
    """The point of a 32-byte encoding, or None."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _SQRT_M1 % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return (_P - x if x & 1 != sign else x), y


_EDWARDS_BASE = _edwards_point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def _edwards_encode(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def ed25519_public_key(seed):
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return _edwards_encode(_edwards_multiply(int.from_bytes(digest, "little"), _EDWARDS_BASE))


def ed25519_verify(public_key, message, signature):
    key, commitment = _edwards_point(public_key), _edwards_point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or commitment is None or scalar >= _L:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % _L
    return _edwards_multiply(scalar, _EDWARDS_BASE) == _edwards_add(
        commitment, _edwards_multiply(challenge, key))


# P-256 --------------------------------------------------------------------------------------------

_Q = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_P256_BASE = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
              0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
# DER SubjectPublicKeyInfo of an uncompressed P-256 point, up to the 64 bytes of x and y.
_P256_DER_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def _p256_add(a, b):
    """Of two points; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    (x1, y1), (x2, y2) = a, b
    if x1 == x2:
        if (y1 + y2) % _Q == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _Q)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _Q)
    x = (slope * slope - x1 - x2) % _Q
    return x, (slope * (x1 - x) - y1) % _Q


def _p256_multiply(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = _p256_add(result, point)
        point = _p256_add(point, point)
        scalar >>= 1
    return result


def _der_integer(data, at):
    if data[at] != 2:
        raise ValueError("no DER integer")
    size = data[at + 1]
    return int.from_bytes(data[at + 2:at + 2 + size], "big"), at + 2 + size


def _der_signature(signature):
    if signature[0] != 0x30 or signature[1] != len(signature) - 2:
        raise ValueError("no DER sequence")
    r, at = _der_integer(signature, 2)
    s, at = _der_integer(signature, at)
    if at != len(signature):
        raise ValueError("bytes after the DER sequence")
    return r, s


def p256_verify(public_key_der, message, signature):
    if len(public_key_der) != 91 or not public_key_der.startswith(_P256_DER_PREFIX):
        return False
    key = (int.from_bytes(public_key_der[27:59], "big"), int.from_bytes(public_key_der[59:], "big"))
    if (key[1] ** 2 - key[0] ** 3 + 3 * key[0] - _B) % _Q:
        return False
    r, s = _der_signature(signature)
    if not (0 < r < _N and 0 < s < _N):
        return False
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    inverse = pow(s, -1, _N)
    point = _p256_add(_p256_multiply(digest * inverse % _N, _P256_BASE),
                      _p256_multiply(r * inverse % _N, key))
    return point is not None and point[0] % _N == r

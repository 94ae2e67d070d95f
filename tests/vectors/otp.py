#!/usr/bin/env python3
"""Prints otp.txt: what OTP_n(m) = first n bytes of BLAKE2b-512(m) XOR pad must give (doc/PROTOCOL.md, ids.h),
by Python's hashlib, which shares no code with the program. Usage: otp.py > otp.txt"""
import hashlib

MESSAGES = [b"", b"demo", b"a", b"x" * 63, b"xn--bcher-kva", bytes(range(64)),
            b"192.0.2.1" + bytes.fromhex("0123456789abcdef"),
            b"2001:db8::1" + bytes.fromhex("fedcba9876543210"),
            bytes(32) + b"media/film.mp4", b"\xff" * 1088, "dir/\u00fc.png".encode()]

print("# n, message, pad, OTP_n(message); all but n in hex, '-' is empty. Made by tests/vectors/otp.py")
for i, m in enumerate(MESSAGES):
    for n in (2, 8, 32, 64):
        pad = hashlib.shake_128(b"pad %d %d" % (i, n)).digest(n)
        if i == 1:
            pad = bytes(n)  # a pad of zeros shows BLAKE2b itself
        out = bytes(a ^ b for a, b in zip(hashlib.blake2b(m, digest_size=64).digest(), pad))
        print(n, m.hex() or "-", pad.hex(), out.hex())

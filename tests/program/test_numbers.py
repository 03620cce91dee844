"""The program's decimals: shortest, without exponent, in any locale."""
import random
import struct
import unittest
from decimal import Decimal
from fractions import Fraction

from harness import BINARIES, Case, run


def as_float(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def nearest_float_is(text, bits):
    """Whether a decimal rounds to the float of these bits: by exact arithmetic against the neighbours' midpoints."""
    value = Fraction(Decimal(text))
    below = Fraction(as_float(bits - 1)) if bits & 0x7FFFFFFF else -Fraction(as_float(1))
    above = Fraction(as_float(bits + 1)) if bits + 1 < 0x7F800000 else Fraction(2) ** 128
    exact = Fraction(as_float(bits))
    low, high = (exact + below) / 2, (exact + above) / 2
    return low <= value <= high if bits % 2 == 0 else low < value < high


def digits(text):
    return len(text.replace(".", "").strip("0"))


def has_shorter(text, bits):
    """Whether any decimal with one digit less rounds to the same float."""
    count = digits(text) - 1
    if count < 1:
        return False
    exact = Fraction(as_float(bits))
    scale = Fraction(10) ** (count - 1 - Decimal(as_float(bits)).adjusted())
    first = int(exact * scale)
    return any(nearest_float_is(str(Decimal(near) / Decimal(scale.numerator) * Decimal(scale.denominator)), bits)
               for near in (first - 1, first, first + 1, first + 2))


class Numbers(Case):
    def printed(self, lines):
        result = run([BINARIES / "print_numbers"], stdin="\n".join(lines) + "\n", env={"LC_ALL": "de_DE.UTF-8"})
        self.assertEqual(result.code, 0, result.err)
        return result.lines

    def test_floats_read_back_and_none_is_shorter(self):
        import decimal
        decimal.getcontext().prec = 200
        chosen = random.Random(1)
        bits = [chosen.randrange(1, 0x7F7FFFFF) for _ in range(3000)]
        bits += [chosen.randrange(0x3F000000, 0x3F800001) for _ in range(2000)]
        bits += [exponent << 23 for exponent in range(1, 255)] + [(exponent << 23) + 1 for exponent in range(255)]
        bits += [1 << place for place in range(23)] + [0x7F7FFFFF, 0x3F800000]
        for number, text in zip(bits, self.printed(["%08x" % number for number in bits]), strict=True):
            self.assertNotIn("e", text)
            self.assertTrue(nearest_float_is(text, number), (hex(number), text))
            self.assertFalse(has_shorter(text, number), (hex(number), text))

    def test_doubles_are_as_short_as_pythons(self):
        chosen = random.Random(2)
        bits = [chosen.randrange(1, 0x7FEFFFFFFFFFFFFF) for _ in range(3000)]
        bits += [exponent << 52 for exponent in range(1, 2047)] + [1, 0x7FEFFFFFFFFFFFFF]
        for number, text in zip(bits, self.printed(["%016x" % number for number in bits]), strict=True):
            value = struct.unpack("<d", struct.pack("<Q", number))[0]
            self.assertEqual(float(text), value)
            self.assertEqual(digits(text), digits("%f" % 0 if value == 0 else repr(value).split("e")[0]), text)

    def test_simple_values_look_as_people_write_them(self):
        values = {"3f000000": "0.5", "3f800000": "1", "42c80000": "100", "3dcccccd": "0.1", "00000000": "0",
                  "80000000": "-0", "c0490fdb": "-3.1415927", "4b800000": "16777216", "00000001":
                  "0." + "0" * 44 + "1", "7f800000": "inf", "ff800000": "-inf", "7fc00000": "nan",
                  "41200000": "10", "3f7fffff": "0.99999994"}
        self.assertEqual(self.printed(list(values)), list(values.values()))


if __name__ == "__main__":
    unittest.main()

/* elements.c: IEEE 754 binary16, bfloat16, binary32 and binary64 taken apart as integers. */
#include "serialization/elements.h"

#include <string.h>

#include "base/bytes.h"

#define F32_INFINITY UINT32_C(0x7F800000)

tci_dtype tci_element_dtype(tci_element element)
{
    static const tci_dtype dtypes[] = {TCI_DTYPE_F32, TCI_DTYPE_BF16, TCI_DTYPE_I8, TCI_DTYPE_U8, TCI_DTYPE_U64};
    return dtypes[element];
}

bool tci_elements_are_real(tci_dtype dtype)
{
    return dtype == TCI_DTYPE_F32 || dtype == TCI_DTYPE_F16 || dtype == TCI_DTYPE_BF16 || dtype == TCI_DTYPE_F64;
}

static uint32_t load_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t f16_to_f32(uint32_t half)
{
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
    if (exponent == 0x1F)
        return sign | F32_INFINITY | fraction << 13;
    if (exponent == 0) {
        if (fraction == 0)
            return sign;
        exponent = 1;
        while (!(fraction & 0x400)) { /* a subnormal half is a normal float */
            fraction <<= 1;
            exponent--;
        }
        fraction &= 0x3FF;
    }
    return sign | (exponent + 127 - 15) << 23 | fraction << 13;
}

/* value / 2^shift, to nearest, ties to even; shift 1 to 63. */
static uint64_t round_shift(uint64_t value, unsigned shift)
{
    uint64_t kept = value >> shift, rest = value & ((UINT64_C(1) << shift) - 1), half = UINT64_C(1) << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

static uint32_t f64_to_f32(uint64_t bits)
{
    uint32_t sign = (uint32_t)(bits >> 32) & UINT32_C(0x80000000);
    int exponent = (int)(bits >> 52 & 0x7FF);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0x7FF)
        return sign | F32_INFINITY | (fraction ? UINT32_C(0x400000) : 0);
    exponent += 127 - 1023;
    fraction |= UINT64_C(1) << 52;
    if (exponent >= 0xFF)
        return sign | F32_INFINITY;
    if (exponent <= -24) /* less than half of the smallest subnormal */
        return sign;
    /* The implicit bit, or a carry out of the fraction, adds one to the exponent field. */
    if (exponent > 0)
        return sign | (uint32_t)(((uint64_t)(exponent - 1) << 23) + round_shift(fraction, 29));
    return sign | (uint32_t)round_shift(fraction, (unsigned)(30 - exponent));
}

static uint32_t element_bits(tci_dtype dtype, const uint8_t *data, size_t index)
{
    uint32_t bits = 0;
    switch (dtype) {
    case TCI_DTYPE_F16:
        return f16_to_f32(load_u16(data + 2 * index));
    case TCI_DTYPE_BF16:
        return load_u16(data + 2 * index) << 16;
    case TCI_DTYPE_F64:
        return f64_to_f32(tci_load_u64(data + 8 * index));
    default:
        memcpy(&bits, data + 4 * index, sizeof bits);
        return bits;
    }
}

static bool is_finite(tci_dtype dtype, const uint8_t *data, size_t index, bool narrow)
{
    if (dtype == TCI_DTYPE_F64 && !narrow)
        return (tci_load_u64(data + 8 * index) >> 52 & 0x7FF) != 0x7FF;
    return (element_bits(dtype, data, index) & F32_INFINITY) != F32_INFINITY;
}

/* True when none of the floats has all bits of its exponent set: one more there, and they run over into the sign's
 * place. Two at a time and no branch within, so that it runs at memory speed. */
static bool all_finite_f32(const uint8_t *data, size_t count)
{
    const uint64_t exponents = (uint64_t)F32_INFINITY << 32 | F32_INFINITY, ones = 0x0080000000800000u;
    uint64_t bad = 0, pair = 0;
    for (size_t i = 0; i + 2 <= count; i += 2) {
        memcpy(&pair, data + 4 * i, sizeof pair);
        bad |= (pair & exponents) + ones;
    }
    pair = 0;
    if (count % 2 == 1)
        memcpy(&pair, data + 4 * (count - 1), 4);
    bad |= (pair & exponents) + ones;
    return (bad & 0x8000000080000000u) == 0;
}

size_t tci_elements_check(tci_dtype dtype, const uint8_t *data, size_t count, bool narrow)
{
    if (dtype == TCI_DTYPE_F32 && all_finite_f32(data, count))
        return count;
    for (size_t i = 0; i < count; i++) {
        if (!is_finite(dtype, data, i, narrow))
            return i;
    }
    return count;
}

void tci_elements_to_float(tci_dtype dtype, const uint8_t *data, size_t count, float *values)
{
    if (dtype == TCI_DTYPE_F32) {
        memcpy(values, data, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = element_bits(dtype, data, i);
        memcpy(values + i, &bits, sizeof bits);
    }
}

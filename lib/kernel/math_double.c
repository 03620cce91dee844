/* math_double.c: log, exp and cos of one double, so that losses and schedules have the same bits on every system.
 *
 * log x = k ln 2 + log(1 + f), x = 2^k (1 + f) with 1 + f in [√½, √2], through s = f / (2 + f) and a polynomial in s².
 * exp x = 2^k exp(r), x = k ln 2 + r, through the rational form 1 + r + r·c / (2 - c), c = r - r²·P(r²).
 * cos: around 0, π/2 and π, each as far as π/4, by the polynomials of cos and sin.
 * Errors are below 1 ulp of double; results that would be denormal are zero.
 *
 * Formulas and coefficients are those of fdlibm (e_log.c, e_exp.c, k_sin.c, k_cos.c): Copyright (C) 1993 by Sun
 * Microsystems, Inc. All rights reserved. Developed at SunSoft, a Sun Microsystems, Inc. business. Permission to use,
 * copy, modify, and distribute this software is freely granted, provided that this notice is preserved. */
#include <stdint.h>
#include <string.h>

#include "kernel/kernel.h"

static const double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#define INFINITY_BITS 0x7ff0000000000000u
#define NAN_BITS 0x7ff8000000000000u

double tci_log(double value)
{
    uint64_t bits = to_bits(value);
    if (bits << 1 == 0)
        return from_bits(INFINITY_BITS | (uint64_t)1 << 63);
    if (bits >= INFINITY_BITS) /* infinity, NaN, or the sign bit */
        return bits == INFINITY_BITS ? value : from_bits(NAN_BITS);
    int k = 0;
    while (bits >> 52 == 0) { /* a denormal, normalized on its bits: arithmetic may take it for zero */
        bits <<= 1;
        k--;
    }
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    double m = from_bits(bits);
    if (m > 1.41421356237309504880) {
        m *= 0.5;
        k++;
    }
    double f = m - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double polynomial = 1.479819860511658591e-01;
    polynomial = polynomial * z + 1.531383769920937332e-01;
    polynomial = polynomial * z + 1.818357216161805012e-01;
    polynomial = polynomial * z + 2.222219843214978396e-01;
    polynomial = polynomial * z + 2.857142874366239149e-01;
    polynomial = polynomial * z + 3.999999999940941908e-01;
    polynomial = polynomial * z + 6.666666666666735130e-01;
    double half_square = 0.5 * f * f;
    double correction = s * (half_square + z * polynomial) + (double)k * ln2_low;
    return (double)k * ln2_high - ((half_square - correction) - f);
}

double tci_exp(double value)
{
    if (value != value)
        return value;
    if (value > 709.782712893383973096)
        return from_bits(INFINITY_BITS);
    if (value < -708.3964)
        return 0.0;
    double scaled = value * 1.44269504088896338700;
    int k = (int)(scaled + (scaled < 0.0 ? -0.5 : 0.5));
    double high = value - (double)k * ln2_high;
    double low = (double)k * ln2_low;
    double r = high - low;
    double z = r * r;
    double polynomial = 4.13813679705723846039e-08;
    polynomial = polynomial * z - 1.65339022054652515390e-06;
    polynomial = polynomial * z + 6.61375632143793436117e-05;
    polynomial = polynomial * z - 2.77777777770155933842e-03;
    polynomial = polynomial * z + 1.66666666666666019037e-01;
    double c = r - z * polynomial;
    double result = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    int half = k / 2; /* 2^1024 is no double */
    return result * from_bits((uint64_t)(half + 1023) << 52) * from_bits((uint64_t)(k - half + 1023) << 52);
}

/* For |x| <= π/4; low is what x lacks of the exact angle. */
static double sine_kernel(double x, double low)
{
    double z = x * x;
    double polynomial = 1.58969099521155010221e-10;
    polynomial = polynomial * z - 2.50507602534068634195e-08;
    polynomial = polynomial * z + 2.75573137070700676789e-06;
    polynomial = polynomial * z - 1.98412698298579493134e-04;
    polynomial = polynomial * z + 8.33333333332248946124e-03;
    double cube = z * x;
    return x - ((z * (0.5 * low - cube * polynomial) - low) - cube * -1.66666666666666324348e-01);
}

static double cosine_kernel(double x)
{
    double z = x * x;
    double polynomial = -1.13596475577881948265e-11;
    polynomial = polynomial * z + 2.08757232129817482790e-09;
    polynomial = polynomial * z - 2.75573143513906633035e-07;
    polynomial = polynomial * z + 2.48015872894767294178e-05;
    polynomial = polynomial * z - 1.38888888888741095749e-03;
    polynomial = polynomial * z + 4.16666666666666019037e-02;
    double half = 0.5 * z;
    double near = 1.0 - half;
    return near + ((1.0 - near) - half + z * z * polynomial);
}

double tci_cos(double angle)
{
    const double half_pi = 1.57079632679489655800, half_pi_low = 6.12323399573676603587e-17;
    if (angle < 0.785398163397448309616)
        return cosine_kernel(angle);
    if (angle > 2.35619449019234492885) /* cos(a) = -cos(π - a) */
        return -cosine_kernel((2.0 * half_pi - angle) + 2.0 * half_pi_low);
    return sine_kernel(half_pi - angle, half_pi_low); /* cos(a) = sin(π/2 - a); the difference is exact */
}

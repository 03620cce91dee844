/* random.c: Philox 4x32-10 and the distributions drawn from it.
 *
 * One round is two 32x32-bit products whose high halves are mixed with the other words and the key; the key grows by
 * Weyl constants (golden ratio, sqrt(3) - 1). Constants and round count as in Random123 1.14 (philox.h). The normal
 * distribution computes in double with nothing but + - * /, so its bits are the same with every compiler. */
#include "base/random.h"

#include <string.h>

void tci_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53u * c0;
        uint64_t product1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void tci_random_init(tci_random *random, uint64_t seed, tci_random_purpose purpose, uint64_t stream)
{
    *random = (tci_random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)purpose, (uint32_t)stream, (uint32_t)(stream >> 32)},
    };
}

uint32_t tci_random_word(tci_random *random)
{
    if (random->left == 0) {
        tci_philox(random->key, random->counter, random->words);
        random->counter[0]++; /* 2^34 words until a stream repeats */
        random->left = 4;
    }
    return random->words[4 - random->left--];
}

float tci_random_uniform(tci_random *random)
{
    return (float)(tci_random_word(random) >> 8) * 0x1p-24f;
}

uint64_t tci_random_below(tci_random *random, uint64_t bound)
{
    /* The lowest 2^64 mod bound values would come up once too often: draw again. */
    uint64_t unfair = (0 - bound) % bound;
    uint64_t value;
    do {
        value = tci_random_word(random);
        value = value << 32 | tci_random_word(random);
    } while (value < unfair);
    return value % bound;
}

/* Natural logarithm of a normal x > 0: x = m 2^e, m in [sqrt(1/2), sqrt(2)), log m = 2 artanh((m - 1) / (m + 1)). */
static double natural_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xFFFFFFFFFFFFFu) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1.0) / (m + 1.0);
    double square = s * s, sum = 0.0;
    for (int k = 23; k >= 1; k -= 2) /* |s| < 0.172: s^25 / 25 is below 2^-53 of s */
        sum = sum * square + 1.0 / k;
    return 2.0 * s * sum + exponent * 0.6931471805599453;
}

/* Square root of a normal x > 0 by Newton's iteration from halved exponent bits. */
static double square_root(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits >> 1) + ((uint64_t)1023 << 51);
    double root;
    memcpy(&root, &bits, sizeof root);
    for (int i = 0; i < 5; i++)
        root = 0.5 * (root + x / root);
    return root;
}

/* cos(2 pi turn) for turn in [0, 1): to the nearest quarter turn, then the Taylor series of cos or sin up to pi / 4. */
static double cosine_of_turn(double turn)
{
    int quarter = (int)(turn * 4.0 + 0.5);
    double angle = (turn - quarter * 0.25) * 6.283185307179586;
    double square = angle * angle;
    double cosine = 0.0, sine = 0.0;
    for (int k = 16; k >= 2; k -= 2) {
        cosine = (1.0 + cosine) * -square / (k * (k - 1.0));
        sine = (1.0 + sine) * -square / (k * (k + 1.0));
    }
    cosine += 1.0;
    sine = angle * (1.0 + sine);
    switch (quarter & 3) {
    case 0:
        return cosine;
    case 1:
        return -sine;
    case 2:
        return -cosine;
    default:
        return sine;
    }
}

float tci_random_normal(tci_random *random)
{
    double u = (tci_random_word(random) + 1.0) * 0x1p-32; /* in (0, 1] */
    double turn = tci_random_word(random) * 0x1p-32;
    double minus_two_log = -2.0 * natural_log(u);
    if (minus_two_log < 1e-300) /* u = 1 */
        return 0.0f;
    return (float)(square_root(minus_two_log) * cosine_of_turn(turn));
}

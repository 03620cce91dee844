/* utf8.c: see utf8.h. Table 3-7 of the Unicode standard: the second byte's range depends on the first, which keeps out
 * overlong forms, surrogates, and what lies above U+10FFFF. */
#include "utf8.h"

size_t utf8_sequence(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (length == 0)
        return 0;
    unsigned char first = bytes[0];
    if (first < 0x80)
        return 1;
    size_t needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length < needed)
        return 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < needed; i++)
        if (bytes[i] < 0x80 || bytes[i] > 0xbf)
            return 0;
    return needed;
}

bool utf8_valid(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t step = utf8_sequence(text + at, length - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

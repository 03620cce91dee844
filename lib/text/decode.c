/* decode.c: UTF-8 by the table of well-formed sequences (Unicode 15, table 3-7). Only the second byte has bounds that
 * depend on the first; that is what keeps out overlong forms, surrogates and values above U+10FFFF. */
#include "text/decode.h"

#include <string.h>

size_t tci_decode(const uint8_t *text, size_t left, uint32_t *code)
{
    uint8_t lead = text[0];
    uint8_t low = 0x80, high = 0xBF;
    size_t size;
    uint32_t value;
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    *code = TCI_ILL_FORMED;
    if (lead < 0xC2 || lead > 0xF4)
        return 1;
    if (lead < 0xE0) {
        size = 2;
        value = lead & 0x1Fu;
    } else if (lead < 0xF0) {
        size = 3;
        value = lead & 0x0Fu;
        if (lead == 0xE0)
            low = 0xA0;
        else if (lead == 0xED)
            high = 0x9F;
    } else {
        size = 4;
        value = lead & 0x07u;
        if (lead == 0xF0)
            low = 0x90;
        else if (lead == 0xF4)
            high = 0x8F;
    }
    for (size_t i = 1; i < size; i++) {
        if (i >= left || text[i] < low || text[i] > high)
            return i;
        value = value << 6 | (text[i] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    *code = value;
    return size;
}

size_t tci_encode(uint32_t code, char bytes[4])
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        bytes[0] = (char)(0xC0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        bytes[0] = (char)(0xE0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | code >> 18);
    bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

size_t tci_utf8_prefix(const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t at = 0;
    while (at < length) {
        uint64_t eight;
        if (length - at >= sizeof eight) {
            memcpy(&eight, bytes + at, sizeof eight);
            if (!(eight & 0x8080808080808080u)) {
                at += sizeof eight;
                continue;
            }
        }
        uint32_t code;
        size_t size = tci_decode(bytes + at, length - at, &code);
        if (code == TCI_ILL_FORMED)
            return at;
        at += size;
    }
    return length;
}

/* json_write.c: JSON text into a buffer. Only what RFC 8259 demands is escaped: quote, backslash and control
 * characters; all other UTF-8 stands as it is. */
#include "base/json.h"

#include <string.h>

#include "base/number.h"

void tci_json_writer_init(tci_json_writer *writer, tci_buffer *out)
{
    *writer = (tci_json_writer){.out = out};
}

/* The comma before a key or a value of an array. */
static tc_status separate(tci_json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return TC_OK;
    }
    if (writer->depth == 0)
        return TC_OK;
    bool first = writer->first[writer->depth - 1];
    writer->first[writer->depth - 1] = false;
    return first ? TC_OK : tci_buffer_append(writer->out, ",", 1);
}

tc_status tci_json_begin(tci_json_writer *writer, char bracket)
{
    TCI_RETURN_IF(separate(writer));
    if (writer->depth == TCI_JSON_DEPTH)
        return tci_fail(TC_ERROR_INTERNAL, "JSON writer: more than %d levels", TCI_JSON_DEPTH);
    writer->first[writer->depth++] = true;
    return tci_buffer_append(writer->out, &bracket, 1);
}

tc_status tci_json_end(tci_json_writer *writer, char bracket)
{
    if (writer->depth == 0 || writer->after_key)
        return tci_fail(TC_ERROR_INTERNAL, "JSON writer: '%c' does not belong here", bracket);
    writer->depth--;
    return tci_buffer_append(writer->out, &bracket, 1);
}

static tc_status quote(tci_buffer *out, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef", specials[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    TCI_RETURN_IF(tci_buffer_append(out, "\"", 1));
    size_t begin = 0, at = 0;
    while (at < length) {
        unsigned char c = (unsigned char)text[at];
        if (c >= 0x20 && c != '"' && c != '\\') {
            size_t sequence = tci_utf8_sequence(text + at, length - at);
            if (sequence == 0)
                return tci_fail(TC_ERROR_ENCODING, "JSON writer: byte %zu of a text is not well-formed UTF-8", at);
            at += sequence;
            continue;
        }
        TCI_RETURN_IF(tci_buffer_append(out, text + begin, at - begin));
        const char *special = memchr(specials, c, sizeof specials - 1);
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        if (special)
            escape[1] = names[special - specials];
        TCI_RETURN_IF(tci_buffer_append(out, escape, special ? 2 : 6));
        begin = ++at;
    }
    if (begin < length)
        TCI_RETURN_IF(tci_buffer_append(out, text + begin, length - begin));
    return tci_buffer_append(out, "\"", 1);
}

tc_status tci_json_key_text(tci_json_writer *writer, const char *key, size_t length)
{
    if (writer->depth == 0 || writer->after_key)
        return tci_fail(TC_ERROR_INTERNAL, "JSON writer: the key \"%.*s\" does not belong here",
                        (int)(length < 80 ? length : 80), key);
    TCI_RETURN_IF(separate(writer));
    TCI_RETURN_IF(quote(writer->out, key, length));
    writer->after_key = true;
    return tci_buffer_append(writer->out, ":", 1);
}

tc_status tci_json_key(tci_json_writer *writer, const char *key)
{
    return tci_json_key_text(writer, key, strlen(key));
}

tc_status tci_json_text(tci_json_writer *writer, const char *text, size_t length)
{
    TCI_RETURN_IF(separate(writer));
    return quote(writer->out, text, length);
}

tc_status tci_json_string(tci_json_writer *writer, const char *text)
{
    return tci_json_text(writer, text, strlen(text));
}

tc_status tci_json_unsigned_value(tci_json_writer *writer, uint64_t value)
{
    TCI_RETURN_IF(separate(writer));
    return tci_buffer_unsigned(writer->out, value);
}

tc_status tci_json_double_value(tci_json_writer *writer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits >> 52 & 0x7FF) == 0x7FF)
        return tci_json_null(writer);
    char text[TCI_DOUBLE_TEXT];
    size_t length = tci_print_double(value, text);
    TCI_RETURN_IF(separate(writer));
    return tci_buffer_append(writer->out, text, length);
}

tc_status tci_json_bool(tci_json_writer *writer, bool value)
{
    TCI_RETURN_IF(separate(writer));
    return tci_buffer_text(writer->out, value ? "true" : "false");
}

tc_status tci_json_null(tci_json_writer *writer)
{
    TCI_RETURN_IF(separate(writer));
    return tci_buffer_text(writer->out, "null");
}

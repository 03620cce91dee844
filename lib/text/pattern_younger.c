/* pattern_younger.c: what Unicode 15 to 16 assigned, which the `tokenizers` package knows (Oniguruma 6.9.10, read
 * out of it by its patterns), and the utf8proc or PCRE2 at hand may not. Data; in the order of code points. */
#include "text/pattern.h"

/* clang-format off */
const tci_younger_range tci_younger_ranges[TCI_YOUNGER_RANGES] = {
    {0x00897, 1, "Mn"}, {0x00CF3, 1, "Mc"}, {0x00ECE, 1, "Mn"}, {0x01B4E, 2, "Po"}, {0x01B7F, 1, "Po"},
    {0x01C89, 1, "Lu"}, {0x01C8A, 1, "Ll"}, {0x02427, 3, "So"}, {0x02FFC, 4, "So"}, {0x031E4, 2, "So"},
    {0x031EF, 1, "So"}, {0x0A7CB, 2, "Lu"}, {0x0A7CD, 1, "Ll"}, {0x0A7DA, 1, "Lu"}, {0x0A7DB, 1, "Ll"},
    {0x0A7DC, 1, "Lu"}, {0x105C0, 52, "Lo"}, {0x10D40, 10, "Nd"}, {0x10D4A, 4, "Lo"}, {0x10D4E, 1, "Lm"},
    {0x10D4F, 1, "Lo"}, {0x10D50, 22, "Lu"}, {0x10D69, 5, "Mn"}, {0x10D6E, 1, "Pd"}, {0x10D6F, 1, "Lm"},
    {0x10D70, 22, "Ll"}, {0x10D8E, 2, "Sm"}, {0x10EC2, 3, "Lo"}, {0x10EFC, 4, "Mn"}, {0x1123F, 2, "Lo"},
    {0x11241, 1, "Mn"}, {0x11380, 10, "Lo"}, {0x1138B, 1, "Lo"}, {0x1138E, 1, "Lo"}, {0x11390, 38, "Lo"},
    {0x113B7, 1, "Lo"}, {0x113B8, 3, "Mc"}, {0x113BB, 6, "Mn"}, {0x113C2, 1, "Mc"}, {0x113C5, 1, "Mc"},
    {0x113C7, 4, "Mc"}, {0x113CC, 2, "Mc"}, {0x113CE, 1, "Mn"}, {0x113CF, 1, "Mc"}, {0x113D0, 1, "Mn"},
    {0x113D1, 1, "Lo"}, {0x113D2, 1, "Mn"}, {0x113D3, 1, "Lo"}, {0x113D4, 2, "Po"}, {0x113D7, 2, "Po"},
    {0x113E1, 2, "Mn"}, {0x116D0, 20, "Nd"}, {0x11B00, 10, "Po"}, {0x11BC0, 33, "Lo"}, {0x11BE1, 1, "Po"},
    {0x11BF0, 10, "Nd"}, {0x11F00, 2, "Mn"}, {0x11F02, 1, "Lo"}, {0x11F03, 1, "Mc"}, {0x11F04, 13, "Lo"},
    {0x11F12, 34, "Lo"}, {0x11F34, 2, "Mc"}, {0x11F36, 5, "Mn"}, {0x11F3E, 2, "Mc"}, {0x11F40, 1, "Mn"},
    {0x11F41, 1, "Mc"}, {0x11F42, 1, "Mn"}, {0x11F43, 13, "Po"}, {0x11F50, 10, "Nd"}, {0x11F5A, 1, "Mn"},
    {0x1342F, 1, "Lo"}, {0x13439, 7, "Cf"}, {0x13440, 1, "Mn"}, {0x13441, 6, "Lo"}, {0x13447, 15, "Mn"},
    {0x13460, 3995, "Lo"}, {0x16100, 30, "Lo"}, {0x1611E, 12, "Mn"}, {0x1612A, 3, "Mc"}, {0x1612D, 3, "Mn"},
    {0x16130, 10, "Nd"}, {0x16D40, 3, "Lm"}, {0x16D43, 40, "Lo"}, {0x16D6B, 2, "Lm"}, {0x16D6D, 3, "Po"},
    {0x16D70, 10, "Nd"}, {0x18CFF, 1, "Lo"}, {0x1B132, 1, "Lo"}, {0x1B155, 1, "Lo"}, {0x1CC00, 240, "So"},
    {0x1CCF0, 10, "Nd"}, {0x1CD00, 436, "So"}, {0x1D2C0, 20, "No"}, {0x1DF25, 6, "Ll"}, {0x1E030, 62, "Lm"},
    {0x1E08F, 1, "Mn"}, {0x1E4D0, 27, "Lo"}, {0x1E4EB, 1, "Lm"}, {0x1E4EC, 4, "Mn"}, {0x1E4F0, 10, "Nd"},
    {0x1E5D0, 30, "Lo"}, {0x1E5EE, 2, "Mn"}, {0x1E5F0, 1, "Lo"}, {0x1E5F1, 10, "Nd"}, {0x1E5FF, 1, "Po"},
    {0x1F6DC, 1, "So"}, {0x1F774, 3, "So"}, {0x1F77B, 5, "So"}, {0x1F7D9, 1, "So"}, {0x1F8B2, 10, "So"},
    {0x1F8C0, 2, "So"}, {0x1FA75, 3, "So"}, {0x1FA87, 3, "So"}, {0x1FA8F, 1, "So"}, {0x1FAAD, 3, "So"},
    {0x1FABB, 5, "So"}, {0x1FAC6, 1, "So"}, {0x1FACE, 2, "So"}, {0x1FADA, 3, "So"}, {0x1FADF, 1, "So"},
    {0x1FAE8, 2, "So"}, {0x1FAF7, 2, "So"}, {0x1FBCB, 37, "So"}, {0x2B739, 1, "Lo"}, {0x2EBF0, 622, "Lo"},
    {0x31350, 4192, "Lo"}};
/* clang-format on */

/* print_numbers.c: drives the program's decimal printer: each line of standard input is a float (8 hexadecimal digits)
 * or a double (16) by its bits; its decimal is printed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

int main(void)
{
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t bits = strtoull(line, NULL, 16);
        char text[DOUBLE_TEXT];
        if (strcspn(line, "\n") == 8) {
            uint32_t half = (uint32_t)bits;
            float value = 0.0f;
            memcpy(&value, &half, sizeof value);
            print_float(value, text);
        } else {
            double value = 0.0;
            memcpy(&value, &bits, sizeof value);
            print_double(value, text);
        }
        puts(text);
    }
    return output_flush();
}

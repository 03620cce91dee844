/* info.c: `textclf info`: what a model file is; the library's JSON as it is, or as a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "commands.h"
#include "data.h"
#include "messages.h"
#include "output.h"

static void put_value(const json_t *value)
{
    char number[DOUBLE_TEXT];
    if (json_is_string(value)) {
        fputs(json_string_value(value), stdout);
    } else if (json_is_integer(value)) {
        printf("%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        print_double(json_real_value(value), number);
        fputs(number, stdout);
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i > 0)
                fputs(", ", stdout);
            put_value(json_array_get(value, i));
        }
    } else {
        fputs(json_is_true(value) ? "true" : json_is_false(value) ? "false" : "none", stdout);
    }
}

/* A row of a list: its values side by side, a list within it as a shape. */
static void put_row(const json_t *row)
{
    const char *key = NULL;
    json_t *value = NULL;
    fputs("  ", stdout);
    json_object_foreach((json_t *)row, key, value)
    {
        if (json_is_string(value)) {
            printf("%-24s ", json_string_value(value));
            continue;
        }
        for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
            fputs(i > 0 ? " x " : "", stdout);
            put_value(json_array_get(value, i));
        }
        if (!json_is_array(value))
            put_value(value);
    }
    putchar('\n');
}

/* Lists of objects and objects get a line per member, everything else one line. */
static void put_table(json_t *object)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value)
    {
        bool rows = json_is_array(value) && json_is_object(json_array_get(value, 0));
        if (json_is_object(value)) {
            const char *name = NULL;
            json_t *member = NULL;
            printf("%s\n", key);
            json_object_foreach(value, name, member)
            {
                printf("  %-22s ", name);
                put_value(member);
                putchar('\n');
            }
        } else if (rows) {
            printf("%s\n", key);
            for (size_t i = 0; i < json_array_size(value); i++)
                put_row(json_array_get(value, i));
        } else {
            printf("%-24s ", key);
            put_value(value);
            putchar('\n');
        }
    }
}

static int show(const arguments *given, const char *text, size_t length)
{
    if (given->json) {
        fwrite(text, 1, length, stdout);
        putchar('\n');
        return CODE_OK;
    }
    json_error_t error;
    json_t *object = json_loadb(text, length, 0, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return fail("%s: what the library says about the model is not an object; please report it", given->operands[0]);
    }
    put_table(object);
    json_decref(object);
    return CODE_OK;
}

int info(arguments *given)
{
    if (given->operand_count != 1)
        return misuse("info: %s; usage: textclf info MODEL [--json]",
                      given->operand_count == 0 ? "the model file is missing" : "give one model file");
    tc_model *model = NULL;
    if (tc_model_load_with(given->operands[0], given->config, 0, &model) != TC_OK)
        return fail_library(NULL);
    size_t length = 0;
    char *text = NULL;
    int code = data_model_text(model, &text, &length);
    if (code == CODE_OK)
        code = show(given, text, length);
    free(text);
    tc_model_free(model);
    return code;
}

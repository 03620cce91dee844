/* convert.c: `textclf convert`: any model, a file or a folder, to a model file of the library's own, or, where the name
 * ends in .bin or .ftz, of fastText's, or, where it ends in /, to a folder as Hugging Face has them; with other
 * weights where --weights says so, and with a part of its features where --max-features does. A checkpoint becomes the
 * model of its moment, without the state of its training. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "data.h"
#include "messages.h"
#include "target.h"

/* The library's default is f32; here weights stay as they are unless something is asked for. */
static int default_weights(arguments *given, const tc_model *model)
{
    char weights[16];
    if (arguments_gave(given, "weights"))
        return CODE_OK;
    int code = data_model_option(model, "weights", weights, sizeof weights);
    if (code == CODE_OK && tc_config_set(given->config, "weights", weights) != TC_OK)
        code = fail_library(NULL);
    return code;
}

/* What is written is known by its name, which says what the other program expects. */
static bool is_fasttext(const char *path)
{
    size_t length = strlen(path);
    return length >= 4 && (strcmp(path + length - 4, ".bin") == 0 || strcmp(path + length - 4, ".ftz") == 0);
}

static int write_converted(const arguments *given, const tc_model *model)
{
    const char *input = given->operands[0], *output = given->operands[1];
    uint64_t before = target_size(input);
    tc_model *converted = NULL;
    char weights[16];
    if (tc_model_convert(model, given->config, &converted) != TC_OK)
        return fail_library(input);
    int code = CODE_OK;
    tc_status status = is_fasttext(output) ? tc_model_export(converted, output, TC_FORMAT_FASTTEXT)
                                           : target_write(output, given->adapters_only, converted);
    if (status != TC_OK)
        code = fail_library(NULL);
    if (code == CODE_OK)
        code = data_model_option(converted, "weights", weights, sizeof weights);
    if (code == CODE_OK)
        note("wrote %s: %s weights, %" PRIu64 " bytes (%s has %" PRIu64 ")", output, weights, target_size(output),
             input, before);
    tc_model_free(converted);
    return code;
}

int convert(arguments *given)
{
    if (given->operand_count != 2)
        return misuse("convert: %s; usage: textclf convert INPUT OUTPUT [--weights f32|bf16|int8] [--max-features N]",
                      given->operand_count < 2 ? "name the model file to read and the one to write"
                                               : "give one model file to read and one to write");
    tc_model *model = NULL;
    int code = target_check_folder(given->operands[1], given->adapters_only);
    if (code != CODE_OK)
        return code;
    if (tc_model_load_with(given->operands[0], given->config, 0, &model) != TC_OK)
        return fail_library(NULL);
    code = default_weights(given, model);
    if (code == CODE_OK)
        code = write_converted(given, model);
    tc_model_free(model);
    return code;
}

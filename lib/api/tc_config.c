/* tc_config.c: config.h: options by key, and the option table for programs and bindings. */
#include "api/handles.h"

tc_status tc_config_create(tc_config **config)
{
    TCI_REQUIRE(config);
    *config = NULL;
    TCI_RETURN_IF(tci_object_create(NULL, 0, sizeof **config, "config", config));
    (*config)->files = &tci_system_files;
    tci_options_default(&(*config)->options);
    return TC_OK;
}

tc_status tc_config_create_with(const tc_allocator *allocator, tc_config **config)
{
    TCI_REQUIRE(allocator);
    TCI_REQUIRE(config);
    *config = NULL;
    if (!allocator->alloc || !allocator->realloc || !allocator->free)
        return tci_fail(TC_ERROR_ARGUMENT, "tc_config_create_with: alloc, realloc and free are all needed");
    TCI_RETURN_IF(tci_object_create(allocator, 0, sizeof **config, "config", config));
    (*config)->files = &tci_system_files;
    tci_options_default(&(*config)->options);
    return TC_OK;
}

void tc_config_free(tc_config *config)
{
    tci_object_free(config);
}

tc_status tc_config_set(tc_config *config, const char *key, const char *value)
{
    TCI_REQUIRE(config);
    TCI_REQUIRE(key);
    TCI_REQUIRE(value);
    return tci_options_set(&config->options, key, value);
}

tc_status tci_give_option(const tci_options *options, const tci_memory *like, const char *key, size_t capacity,
                          char *value, size_t *length)
{
    tci_memory memory;
    tci_buffer text;
    const tci_option_row *row = tci_option_find(key);
    if (!row) {
        tci_options none = *options;
        return tci_options_set(&none, key, "");
    }
    tci_memory_init(&memory, &like->host, 0);
    tci_buffer_init(&text, &memory, 2 * TCI_OPTION_TEXT_SIZE, "option text");
    tc_status status = tci_options_print(options, row, &text);
    if (status == TC_OK)
        status = tci_give_text(text.data, text.size, capacity, value, length);
    tci_buffer_free(&text);
    return status;
}

tc_status tc_config_get(const tc_config *config, const char *key, size_t capacity, char *value, size_t *length)
{
    TCI_REQUIRE(config);
    TCI_REQUIRE(key);
    TCI_REQUIRE(length);
    return tci_give_option(&config->options, &config->memory, key, capacity, value, length);
}

tc_status tci_give_text(const char *text, size_t size, size_t capacity, char *buffer, size_t *length)
{
    *length = size;
    if (capacity <= size || !buffer)
        return tci_fail(TC_ERROR_CAPACITY, "the text has %zu bytes and needs %zu with its NUL; the buffer has %zu",
                        size, size + 1, buffer ? capacity : 0);
    if (size > 0)
        memcpy(buffer, text, size);
    buffer[size] = '\0';
    return TC_OK;
}

size_t tc_option_count(void)
{
    return tci_option_count();
}

tc_status tc_option_at(size_t index, tc_option *option)
{
    static const char *const types[] = {"choice", "integer", "number", "boolean", "text"};
    TCI_REQUIRE_STRUCT(option, tc_option, help);
    if (index >= tc_option_count())
        return tci_fail(TC_ERROR_ARGUMENT, "option number %zu; there are %zu", index, tc_option_count());
    const tci_option_row *row = tci_option_row_at(index);
    option->key = row->key;
    option->type = types[row->type];
    option->range = row->range;
    option->default_value = row->default_value;
    option->option_class = (int32_t)row->option_class;
    option->applies_to = row->applies_to;
    option->help = row->help;
    return TC_OK;
}

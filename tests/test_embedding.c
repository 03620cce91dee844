/* Rows out of the embedding and gradients back into them, on one member and on several. labels: quick */
#include "support/testing.h"

#include "layer/embedding.h"
#include "support/kernels.h"

#define VOCABULARY 9
#define DIM 5
#define STRIDE 16

static float weight_at(size_t id, size_t k)
{
    return (float)(id * 100 + k + 1);
}

static void each_id_brings_its_row_and_zeros_behind_it(void **state)
{
    float weight[VOCABULARY * DIM], x[6 * STRIDE];
    const uint32_t ids[] = {8, 0, 3, 3, 1, 8};
    (void)state;
    for (size_t i = 0; i < VOCABULARY * DIM; i++)
        weight[i] = weight_at(i / DIM, i % DIM);
    for (size_t members = 1; members <= 4; members++) {
        memset(x, 0x55, sizeof x);
        for (size_t m = 0; m < members; m++)
            tci_embedding_forward(weight, DIM, ids, 6, x, &(tci_team){m, members, NULL});
        for (size_t i = 0; i < 6 * STRIDE; i++)
            assert_true(x[i] == (i % STRIDE < DIM ? weight_at(ids[i / STRIDE], i % STRIDE) : 0.0f));
    }
}

typedef struct fixture {
    tci_memory memory;
    tci_parameters parameters;
    tci_gradients gradients;
} fixture;

static void set_up(fixture *f)
{
    tci_memory_init(&f->memory, NULL, 0);
    tci_parameters_init(&f->parameters, &f->memory);
    assert_ok(tci_parameters_declare(&f->parameters, "first", 1, 3, 1, false, NULL));
    assert_ok(tci_parameters_declare(&f->parameters, "embedding", 2, VOCABULARY, DIM, true, NULL));
    assert_ok(tci_parameters_allocate(&f->parameters));
    assert_ok(tci_gradients_create(&f->memory, &f->parameters, &f->gradients));
}

static void tear_down(fixture *f)
{
    tci_gradients_free(&f->gradients);
    tci_parameters_free(&f->parameters);
    assert_int_equal(atomic_load(&f->memory.used), 0);
}

static void gradients_add_up_in_the_rows_of_the_ids_alone(void **state)
{
    const uint32_t ids[] = {7, 2, 5};
    float dx[3 * STRIDE];
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    (void)state;
    for (size_t i = 0; i < 3 * STRIDE; i++)
        dx[i] = i % STRIDE < DIM ? (float)i : 99.0f; /* what stands in the padding does not count */
    for (size_t t = 0; t < table_count; t++) {
        fixture f;
        set_up(&f);
        const tci_tensor_info *tensor = &f.parameters.tensors[1];
        for (size_t times = 1; times <= 2; times++) {
            for (size_t m = 0; m < 2; m++)
                tci_embedding_backward(tables[t], tensor, ids, 3, dx, &f.gradients, &(tci_team){m, 2, NULL});
            for (size_t id = 0; id < VOCABULARY; id++) {
                for (size_t k = 0; k < DIM; k++) {
                    float wanted = 0.0f;
                    for (size_t i = 0; i < 3; i++)
                        wanted += ids[i] == id ? (float)times * dx[i * STRIDE + k] : 0.0f;
                    assert_true(f.gradients.values[tensor->offset + id * DIM + k] == wanted);
                }
            }
            assert_int_equal(f.gradients.touched_count, 3);
            assert_memory_equal(f.gradients.touched, ids, sizeof ids);
        }
        tear_down(&f);
    }
}

static void tensors_stand_apart_and_clearing_forgets_what_was_touched(void **state)
{
    fixture f;
    (void)state;
    set_up(&f);
    const tci_tensor_info *tensor = &f.parameters.tensors[1];
    assert_int_equal(tensor->offset % 16, 0);
    assert_true(tensor->offset >= 3);
    assert_ptr_equal(tci_parameters_find(&f.parameters, "embedding"), tensor);
    assert_null(tci_parameters_find(&f.parameters, "embeddings"));
    assert_true(f.gradients.fresh);
    f.gradients.fresh = false;
    tci_gradients_touch(&f.gradients, 6);
    tci_gradients_touch(&f.gradients, 6);
    f.gradients.values[tensor->offset + 6 * DIM + 4] = 5.0f;
    assert_int_equal(f.gradients.touched_count, 1);
    tci_gradients_clear(&f.gradients);
    assert_int_equal(f.gradients.touched_count, 0);
    assert_true(f.gradients.fresh);
    for (size_t i = 0; i < tensor->count; i++)
        assert_true(f.gradients.values[tensor->offset + i] == 0.0f);
    tci_gradients_touch(&f.gradients, 6);
    assert_int_equal(f.gradients.touched_count, 1);
    tear_down(&f);
}

static void a_tensor_too_large_for_the_address_space_is_refused(void **state)
{
    tci_memory memory;
    tci_parameters parameters;
    (void)state;
    tci_memory_init(&memory, NULL, 0);
    tci_parameters_init(&parameters, &memory);
    assert_int_equal(tci_parameters_declare(&parameters, "huge", 2, SIZE_MAX / 2, 3, false, NULL), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "huge");
    assert_int_equal(tci_parameters_declare(&parameters, "huge", 2, SIZE_MAX / 4, 1, false, NULL), TC_ERROR_LIMIT);
    tci_parameters_free(&parameters);
    assert_int_equal(atomic_load(&memory.used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_id_brings_its_row_and_zeros_behind_it),
        cmocka_unit_test(gradients_add_up_in_the_rows_of_the_ids_alone),
        cmocka_unit_test(tensors_stand_apart_and_clearing_forgets_what_was_touched),
        cmocka_unit_test(a_tensor_too_large_for_the_address_space_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

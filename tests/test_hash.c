/* labels: quick. hash.c against values of the package xxhash for Python, whole and in pieces. */
#include "support/testing.h"

#include "base/hash.h"

/* Byte i of the data is 7i + 3. */
static const struct {
    size_t size;
    uint64_t plain, seeded; /* seed 42 */
    const char *wide;
} cases[] = {
    {0, UINT64_C(0x2d06800538d394c2), UINT64_C(0xb029411ff43d84d2), "99aa06d3014798d86001c324468d497f"},
    {1, UINT64_C(0x13e608bc156defed), UINT64_C(0xd0c83c4bdeed078b), "22bbb76b211a39ba13e608bc156defed"},
    {16, UINT64_C(0xb8c859b0f030b585), UINT64_C(0x6b1b54f65d114c69), "ce0b9647ab24f88460d75c5e47d40a24"},
    {17, UINT64_C(0x714a04408e79b80f), UINT64_C(0x148ada809b3845dd), "bfd327edcc2fbd12eeed7654312a26d7"},
    {200, UINT64_C(0x746cd0025327bf5b), UINT64_C(0xb04cc37ae5a4a48d), "32200a52a918beaf380142cdd5843bbd"},
    {240, UINT64_C(0x64556dc6b462a6cf), UINT64_C(0x722964f8a7f16de3), "ad46c1021b076bc704e0b5f034bee80b"},
    {241, UINT64_C(0x8beadd3a8874fe17), UINT64_C(0x59fdc74e63a7aee7), "ac6c3492c3d6b45d8beadd3a8874fe17"},
    {1000, UINT64_C(0x6c4f14bd97bd9e82), UINT64_C(0xf0f163846cbf0c33), "6bcc7eff62da44c26c4f14bd97bd9e82"},
    {5000, UINT64_C(0x799aaddd7339581d), UINT64_C(0xab56be339593b1ce), "c98ae385d09887cc799aaddd7339581d"},
};
#define CASES (sizeof cases / sizeof cases[0])

static uint8_t data[5000];

static void fill(void)
{
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(7 * i + 3);
}

static void hashes_are_those_of_xxhash(void **state)
{
    (void)state;
    fill();
    for (size_t i = 0; i < CASES; i++) {
        assert_true(tci_hash(data, cases[i].size, 0) == cases[i].plain);
        assert_true(tci_hash(data, cases[i].size, 42) == cases[i].seeded);
    }
}

static void pieces_give_the_hash_of_the_whole(void **state)
{
    (void)state;
    fill();
    for (size_t i = 0; i < CASES; i++) {
        for (size_t piece = 1; piece <= 701; piece += 100) {
            tci_hash_stream stream;
            uint8_t digest[TCI_HASH_128];
            char text[2 * TCI_HASH_128 + 1];
            tci_hash_begin(&stream);
            tci_hash_add(&stream, NULL, 0);
            for (size_t at = 0; at < cases[i].size; at += piece)
                tci_hash_add(&stream, data + at, cases[i].size - at < piece ? cases[i].size - at : piece);
            assert_true(tci_hash_end(&stream) == cases[i].plain);
            tci_hash_end_128(&stream, digest);
            for (size_t k = 0; k < sizeof digest; k++)
                (void)snprintf(text + 2 * k, 3, "%02x", digest[k]);
            assert_string_equal(text, cases[i].wide);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_xxhash),
        cmocka_unit_test(pieces_give_the_hash_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

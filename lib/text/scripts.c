/* scripts.c: the packed runs as a list to search in. What stands before the first code point of some script is in no
 * piece, as the package has it. */
#include "text/scripts.h"

#define ANY 0

typedef struct script_run {
    uint32_t begin;
    uint8_t script;
} script_run;

typedef struct scripts {
    script_run runs[TCI_SCRIPT_RUNS + 1]; /* the last one begins behind all code points */
} scripts;

/* The run that the code point is in. */
static const script_run *run_of(const scripts *stage, uint32_t code)
{
    size_t low = 0, high = TCI_SCRIPT_RUNS;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (stage->runs[middle].begin <= code)
            low = middle;
        else
            high = middle;
    }
    return &stage->runs[low];
}

static tc_status split(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out)
{
    const scripts *stage = self;
    const script_run *run = &stage->runs[0];
    size_t begin = piece.begin;
    uint8_t script = ANY; /* of the piece; ANY: none begun */
    (void)work;
    for (size_t at = piece.begin, end; at < piece.end; at = end) {
        uint32_t code;
        end = at + tci_aligned_code(text, at, &code);
        if (code < run->begin || code >= run[1].begin)
            run = run_of(stage, code);
        if (run->script == ANY || run->script == script)
            continue;
        if (script != ANY)
            TCI_RETURN_IF(tci_pieces_add(out, begin, at));
        begin = at;
        script = run->script;
    }
    return script != ANY ? tci_pieces_add(out, begin, piece.end) : TC_OK;
}

const tci_pretokenizer_kind tci_scripts_kind = {"UnicodeScripts", NULL, split, NULL};

tc_status tci_scripts_create(tci_memory *memory, void **self)
{
    scripts *stage;
    const uint8_t *data = tci_script_data;
    uint32_t begin = 0;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *stage, "scripts of code points", &stage));
    for (size_t i = 0; i < TCI_SCRIPT_RUNS; i++) {
        uint32_t length = 0;
        for (unsigned shift = 0, more = 1; more; shift += 7) {
            length |= (uint32_t)(*data & 0x7F) << shift;
            more = *data++ & 0x80;
        }
        stage->runs[i] = (script_run){begin, *data++};
        begin += length;
    }
    stage->runs[TCI_SCRIPT_RUNS] = (script_run){begin, ANY};
    *self = stage;
    return TC_OK;
}

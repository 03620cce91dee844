/* architecture.c: the table of architectures. A new one is one row here and files of its own. */
#include <string.h>

#include "model/lstm_network.h"
#include "model/network.h"
#include "model/ngram_network.h"

const tci_architecture *tci_architecture_find(const char *name)
{
    static const tci_architecture *const table[] = {&tci_lstm_architecture, &tci_ngram_architecture};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    }
    return NULL;
}

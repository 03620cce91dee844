/* scripts.h: the pre-tokenizer UnicodeScripts of a tokenizer.json: splits where the script changes. Kana counts as Han;
 * the space, and what the package's table does not have, is of any script. */
#ifndef TCI_TEXT_SCRIPTS_H
#define TCI_TEXT_SCRIPTS_H

#include "text/stage.h"

extern const tci_pretokenizer_kind tci_scripts_kind;
tc_status tci_scripts_create(tci_memory *memory, void **self);

/* The data, scripts_data.c. */
#define TCI_SCRIPT_RUNS 1489
extern const uint8_t tci_script_data[];

#endif

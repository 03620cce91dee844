/* unicode_forms.h: NFC, NFD, NFKC and NFKD as the `tokenizers` package makes them: with the tables of Unicode 9
 * (text/code_sets.h), marks in any number, and each code point with the range that the package gives it. Our own
 * pipeline's are in text/normalize.h. */
#ifndef TCI_TEXT_UNICODE_FORMS_H
#define TCI_TEXT_UNICODE_FORMS_H

#include "text/code_sets.h"
#include "text/stage.h"

typedef struct tci_unicode_form {
    const tci_code_sets *sets;
    bool compatible; /* K */
    bool composes;   /* C, not D */
} tci_unicode_form;

/* Appends the form of `in` to `out`, which is empty. Linear time. Uses TCI_WORK_NORMALIZER. */
tc_status tci_unicode_form_apply(const tci_unicode_form *form, const tci_aligned *in, tci_aligned *out, tci_work *work);

extern const tci_normalizer_kind tci_unicode_form_kind; /* its `self` is a tci_unicode_form */
tc_status tci_unicode_form_create(tci_memory *memory, const tci_code_sets *sets, bool compatible, bool composes,
                                  void **self);

#endif

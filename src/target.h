/* target.h: where a model is written to: a file, or, where the name ends in /, a folder as Hugging Face has them. */
#ifndef PROGRAM_TARGET_H
#define PROGRAM_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include <textclf/textclf.h>

/* Whether the name says that a folder is to be written. */
bool target_is_folder(const char *path);

/* What will be written when the work is over must be possible now: an exit code, told. */
int target_check(const char *option, const char *path);

/* Whether the folder holds what the other kind of folder is known by: an exit code, told. */
int target_check_folder(const char *path, bool adapters_only);

/* Whether this model, once it is trained, can be written there, with weights of that kind: an exit code, told. */
int target_check_model(const char *path, bool adapters_only, const tc_model *model, const char *weights);

/* Writes the model file or the folder. */
tc_status target_write(const char *path, bool adapters_only, const tc_model *model);

/* Bytes of a model file, or of all files in a folder; 0 where there is none. */
uint64_t target_size(const char *path);

#endif

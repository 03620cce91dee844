/* input.h: the bytes of a data file or of standard input, gunzipped when they begin like gzip, read once or twice. */
#ifndef PROGRAM_INPUT_H
#define PROGRAM_INPUT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct input input;

/* Opens `path`; "-" is standard input. `again`: input_rewind() will be called; what cannot be read twice from its
 * place (a pipe) is then kept as it came: in a file beside `spool` that has no name, or without one in memory, where
 * more than `most_kept` bytes (0: any) are a failure. Functions return an exit code of messages.h and have told the
 * failure. */
int input_open(const char *path, bool again, const char *spool, size_t most_kept, input **opened);
void input_close(input *source);

/* Up to `capacity` bytes; *count 0 is the end. */
int input_read(input *source, char *buffer, size_t capacity, size_t *count);
int input_rewind(input *source);

/* True when the next read would wait for somebody to write. */
bool input_would_wait(const input *source);

/* For messages: the path, or "standard input". */
const char *input_name(const input *source);

#endif

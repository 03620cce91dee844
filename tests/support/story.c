/* story.c: a small generator (xorshift) picks words, the more frequent the nearer they stand to the front of the list.
 */
#include "support/story.h"

#include <string.h>

const char *const story_labels[STORY_LABELS] = {"praise", "blame", "plain"};

static const char *const common[] = {"the",
                                     "a",
                                     "of",
                                     "film",
                                     "and",
                                     "was",
                                     "is",
                                     "this",
                                     "it",
                                     "in",
                                     "story",
                                     "actors",
                                     ",",
                                     ".",
                                     "with",
                                     "that",
                                     "one",
                                     "very",
                                     "scene",
                                     "plot",
                                     "music",
                                     "again",
                                     "they",
                                     "saw",
                                     "night",
                                     "young",
                                     "house",
                                     "late",
                                     "first",
                                     "1999",
                                     "we",
                                     "then",
                                     "city",
                                     "long",
                                     "so",
                                     "!",
                                     "电",
                                     "影",
                                     "的",
                                     "了",
                                     "我",
                                     "很",
                                     "看",
                                     "一",
                                     "个",
                                     "这",
                                     "不",
                                     "人",
                                     "caf\xC3\xA9",
                                     "Z\xC3\xBCrich",
                                     "r\xC3\xA9sum\xC3\xA9",
                                     "na\xC3\xAFve",
                                     "3D",
                                     "B-side"};
static const char *const telling[STORY_LABELS][6] = {
    {"good", "great", "splendid", "好", "妙", "loved"},
    {"bad", "dull", "awful", "差", "坏", "hated"},
    {"today", "report", "seats", "天", "年", "tickets"},
};

static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint32_t seed_of(uint32_t number)
{
    uint32_t state = number * 2654435761u + 97u;
    state = state ? state : 1;
    for (int i = 0; i < 4; i++)
        (void)draw(&state);
    return state;
}

static const char *pick(uint32_t *state)
{
    size_t count = sizeof common / sizeof common[0];
    uint32_t u = draw(state) % 1000;
    return common[(size_t)u * u / 1000 * count / 1000];
}

static size_t append(char *text, size_t at, const char *word)
{
    size_t length = strlen(word);
    if (at > 0)
        text[at++] = ' ';
    memcpy(text + at, word, length + 1);
    return at + length;
}

uint32_t story_write(uint32_t number, char text[STORY_SIZE], size_t *length)
{
    uint32_t state = seed_of(number), label = draw(&state) % STORY_LABELS;
    uint32_t words = draw(&state) % 8 == 0 ? draw(&state) % STORY_WORDS : draw(&state) % 24;
    size_t at = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < words; i++) {
        uint32_t which = draw(&state) % 10 == 0 ? draw(&state) % STORY_LABELS : label;
        at = append(text, at, draw(&state) % 5 == 0 ? telling[which][draw(&state) % 6] : pick(&state));
    }
    if (length)
        *length = at;
    return label;
}

size_t story_write_words(uint32_t number, size_t words, char *text, size_t capacity)
{
    uint32_t state = seed_of(number);
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < words;) {
        const char *word =
            draw(&state) % 9 == 0 ? telling[draw(&state) % STORY_LABELS][draw(&state) % 6] : pick(&state);
        if (strchr(word, '-') || at + strlen(word) + 2 > capacity) /* B-side is three tokens */
            continue;
        at = append(text, at, word);
        i++;
    }
    return at;
}

#include "tools/print_json.h"

#include <stdlib.h>

#include <criterion/criterion.h>
#include <jansson.h>

static struct spr_text text(const char *word)
{
    return (struct spr_text){ (const uint8_t *)word, __builtin_strlen(word) };
}

static char *write_line(struct spr_json *json, int *ret_code)
{
    char *line = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&line, &length);
    *ret_code = spr_json_write(json, out);
    (void)fclose(out);
    return line;
}

Test(print_json, nests_lists_and_objects)
{
    int code = 0;
    struct spr_json *json = spr_json_new("test/1");
    spr_json_list(json, "none");
    spr_json_close(json);
    spr_json_list(json, "some");
    spr_json_item(json);
    spr_json_text(json, "address", text("a\x1b[31m\"\\@\xff"));
    spr_json_null(json, "error");
    spr_json_close(json);
    spr_json_item(json);
    spr_json_close(json);
    spr_json_close(json);
    spr_json_object(json, "object");
    spr_json_bool(json, "yes", true);
    spr_json_number(json, "most", UINT64_MAX);
    spr_json_known(json, "unknown", INT64_MIN);
    spr_json_real(json, "half", 0.5);

    char *line = write_line(json, &code);

    cr_assert_eq(code, 0);
    cr_expect_str_eq(line, "{\"schema\":\"test/1\",\"none\":[],\"some\":[{\"address\":"
                           "\"a\\u001B[31m\\\"\\\\@\\\\xff\",\"address_b64\":\"YRtbMzFtIlxA/w==\","
                           "\"error\":null},{}],\"object\":{\"yes\":true,\"most\":"
                           "9223372036854775807,\"unknown\":null,\"half\":0.5}}\n");
    json_t *parsed = json_loads(line, 0, NULL);
    cr_expect_not_null(parsed);
    json_decref(parsed);
    free(line);
}

Test(print_json, refuses_to_nest_without_end)
{
    int code = 0;
    struct spr_json *json = spr_json_new(NULL);
    for (unsigned i = 0; i < 100; i++) {
        spr_json_object(json, "deeper");
    }

    char *line = write_line(json, &code);

    cr_expect_lt(code, 0);
    cr_expect_str_eq(line, "");
    free(line);
}

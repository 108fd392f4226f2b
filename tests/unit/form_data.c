/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/loaded/common/form_data.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define TYPE "multipart/form-data; boundary=b"
#define PART(head, content) "--b\r\nContent-Disposition: form-data; " head "\r\n\r\n" content "\r\n"
#define END "--b--\r\n"

Test(form_data, is_told_by_its_type)
{
    cr_expect(form_data_is("multipart/form-data; boundary=x"));
    cr_expect(form_data_is("Multipart/Form-Data;boundary=x"));
    cr_expect(form_data_is("multipart/form-data"));
    cr_expect(!form_data_is("multipart/form-data2; boundary=x"));
    cr_expect(!form_data_is("multipart/mixed; boundary=x"));
    cr_expect(!form_data_is(""));
}

static const struct {
    const char *type, *body, *value; /* NULL: there is none */
} cases[] = {
    {TYPE, PART("name=\"t\"", "value") END, "value"},
    {TYPE, PART("name=\"t\"", "") END, ""},
    {TYPE, PART("name=\"t\"", "a\r\nb\r\n\r\nc--b") END, "a\r\nb\r\n\r\nc--b"},
    {TYPE, PART("name=\"a\"", "1") PART("name=\"t\"", "2") PART("name=\"t\"", "3") END, "2"},
    {TYPE, PART("name=\"a\"", "") PART("name=\"t\"", "2") END, "2"},
    {TYPE, "before\r\n" PART("name=\"t\"", "2") END, "2"},
    {TYPE, "--b\r\nContent-Type: text/plain\r\ncontent-disposition:form-data;NAME=\"t\"\r\nX: y\r\n\r\n2\r\n" END, "2"},
    {TYPE, "--b  \r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n2\r\n" END, "2"},
    {"multipart/form-data; charset=utf-8; BOUNDARY=\"a b;c\"",
     "--a b;c\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n2\r\n--a b;c--", "2"},
    {TYPE, PART("name=\"u\"", "1") END, NULL},
    {TYPE, PART("name=\"tt\"", "1") PART("name=\"\"", "1") PART("name=t", "1") PART("xname=\"t\"", "1") PART("name=\"t", "1") END, NULL},
    {TYPE, PART("name=\"t\"; filename=\"f\"", "1") PART("filename=\"t\"", "1") PART("name=\"t\"; filename*=utf-8''f", "1") END, NULL},
    {TYPE, PART("name=\"a\"", "Content-Disposition: form-data; name=\"t\"\r\n\r\n2") END, NULL},
    {TYPE, "--b\r\nX: name=\"t\"\r\n\r\n1\r\n" END, NULL},
    {TYPE, "--b\r\n\r\nname=\"t\"\r\n" END, NULL},
    {TYPE, END PART("name=\"t\"", "behind the end") END, NULL},
    {TYPE, "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ncut off", NULL},
    {TYPE, "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n", NULL},
    {TYPE, "--b", NULL},
    {TYPE, "--", NULL},
    {TYPE, "", NULL},
    {TYPE, "\r\n--b\r\n\r\n\r\n--b", NULL},
    {"multipart/form-data", PART("name=\"t\"", "1") END, NULL},
    {"multipart/form-data; boundary=", PART("name=\"t\"", "1") END, NULL},
    {"multipart/form-data; boundary=\"", PART("name=\"t\"", "1") END, NULL},
    {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x", PART("name=\"t\"", "1") END,
     NULL},
    {"text/plain; boundary=b", PART("name=\"t\"", "1") END, NULL},
};

/* Each body lies in memory of just its length, for sanitizers to see who reads beyond it; and so does each that is cut off somewhere. */
static const char *find(const char *type, const char *text, size_t length, size_t *value_length)
{
    static char *body;
    free(body);
    body = memcpy(malloc(length + (length == 0)), text, length);
    return form_data_find(type, body, length, "t", value_length);
}

Test(form_data, has_a_field_of_a_name_or_not)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = 0;
        const char *value = find(cases[i].type, cases[i].body, strlen(cases[i].body), &length);
        cr_expect_eq(value != NULL, cases[i].value != NULL, "case %zu: %s", i, cases[i].body);
        if (value != NULL && cases[i].value != NULL)
            cr_expect(length == strlen(cases[i].value) && memcmp(value, cases[i].value, length) == 0, "case %zu: '%.*s'", i, (int)length,
                      value);
    }
}

Test(form_data, that_is_cut_off_has_it_whole_or_not_at_all)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t cut = 0; cut < strlen(cases[i].body); cut++) {
            size_t length = 0;
            const char *value = find(cases[i].type, cases[i].body, cut, &length);
            cr_expect(value == NULL ||
                          (cases[i].value != NULL && length == strlen(cases[i].value) && memcmp(value, cases[i].value, length) == 0),
                      "case %zu cut to %zu", i, cut);
        }
}

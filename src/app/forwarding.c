/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a trusted proxy says that it asks for. The hops are walked from the right, that is from the proxy that talks to us: as long
 * as a hop is trusted, what it says of the one before it counts. The first that is not trusted is the client; whatever stands
 * left of it, that client may have made up. Runs in workers.
 *
 * The walk is made from left to right, as only so Forwarded can be read: what was found is forgotten at each hop that is not trusted.
 */
#include "app/client.h"

#include "http/forwarded.h"

/* What the hops so far come to, for whoever trusts the last of them. */
struct walk {
    const struct networks *trusted;
    bool found;
    struct in6_addr address;
    enum forwarded_scheme scheme;
    size_t hops, behind; /* all; those from the client's on */
};

static void walk_on(struct walk *walk, const struct forwarded_hop *hop)
{
    walk->hops++;
    walk->behind++;
    if (walk->found && hop->has_address && networks_have(walk->trusted, &hop->address, false))
        return;
    walk->found = hop->has_address;
    walk->address = hop->address;
    walk->scheme = hop->scheme;
    walk->behind = 1;
}

/* The value of the next field of a name, from the i-th field on; its data is NULL when there is none. */
static struct slice next_field(const struct tine_request *r, struct slice name, size_t *i)
{
    for (; *i < r->head.count; (*i)++) {
        const struct head_field *field = &r->fields[*i];
        if (slice_equals_nocase((struct slice){r->bytes + field->name, field->name_length}, name))
            return (struct slice){r->bytes + r->fields[(*i)++].value, field->value_length};
    }
    return (struct slice){NULL, 0};
}

/* Returns -1 when it does not follow the grammar. A quoted string ends with its field, so a client cannot reach into the next. */
static int walk_forwarded(const struct tine_request *r, struct walk *walk)
{
    struct slice value;
    struct forwarded_hop hop;
    for (size_t i = 0; (value = next_field(r, SLICE("Forwarded"), &i)).data != NULL;) {
        enum forwarded_verdict verdict;
        while ((verdict = forwarded_next(&value, &hop)) == FORWARDED_HOP)
            walk_on(walk, &hop);
        if (verdict == FORWARDED_BAD)
            return -1;
    }
    return 0;
}

/* As many schemes as hops, and they belong together; with fewer, all that is known is the first. */
static enum forwarded_scheme x_forwarded_scheme(const struct tine_request *r, size_t behind)
{
    enum forwarded_scheme said[16];
    size_t count = 0;
    struct slice value, element;
    for (size_t i = 0; (value = next_field(r, SLICE("X-Forwarded-Proto"), &i)).data != NULL;)
        while (forwarded_element_next(&value, &element))
            said[count++ % 16] = forwarded_scheme(element);
    if (count == 0)
        return FORWARDED_UNSAID;
    if (behind > count)
        behind = count;
    return behind <= 16 ? said[(count - behind) % 16] : FORWARDED_UNSAID;
}

static void walk_x_forwarded(const struct tine_request *r, struct walk *walk)
{
    struct slice value;
    struct forwarded_hop hop;
    for (size_t i = 0; (value = next_field(r, SLICE("X-Forwarded-For"), &i)).data != NULL;)
        while (forwarded_for_next(&value, &hop))
            walk_on(walk, &hop);
    walk->scheme = x_forwarded_scheme(r, walk->behind > 0 ? walk->behind : 1);
}

/* A proxy that sets one of them may let pass what a client wrote into the other. Where they do not tell the same, there is no telling
 * which is which. */
static bool agree(const struct walk *a, const struct walk *b)
{
    if (a->hops > 0 && b->hops > 0 &&
        (a->found != b->found || (a->found && memcmp(&a->address, &b->address, sizeof a->address) != 0)))
        return false;
    return a->scheme == FORWARDED_UNSAID || b->scheme == FORWARDED_UNSAID || a->scheme == b->scheme;
}

int client_find(struct tine_request *r, const char **reason)
{
    struct walk standard = {.trusted = r->trusted}, custom = {.trusted = r->trusted};
    if (walk_forwarded(r, &standard) < 0) {
        *reason = "the Forwarded field is malformed";
        return 400;
    }
    walk_x_forwarded(r, &custom);
    if (!agree(&standard, &custom)) {
        *reason = "Forwarded and X-Forwarded-For or -Proto contradict each other; the proxy should drop those that it does not set";
        return 400;
    }
    const struct walk *walk = standard.hops > 0 ? &standard : &custom;
    enum forwarded_scheme scheme = standard.scheme != FORWARDED_UNSAID ? standard.scheme : custom.scheme;
    if (walk->found)
        client_set(r, &walk->address, false);
    if (scheme != FORWARDED_UNSAID)
        r->secure = scheme == FORWARDED_HTTPS;
    return 0;
}

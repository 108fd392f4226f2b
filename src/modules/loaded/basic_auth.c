/* SPDX-License-Identifier: Apache-2.0
 *
 * basic_auth: lets in who knows a name and password of an htpasswd file (RFC 7617). Runs in a worker.
 * Needs: libcrypto libcrypt
 *
 *     [filter:login]
 *     module = basic_auth
 *     file = users.htpasswd
 *
 * A password is compared by crypt(), which takes long on purpose. So who was right is remembered for a while: an HMAC of name and password,
 * with a key that only this process knows and only for as long as it lives. Who was wrong is not, and a name that is not there costs what
 * another one does: its password is compared with that of a user whom the name picks, and found wrong whatever comes out. Only who is asked
 * early, before his body is there, is asked twice and compared once.
 */
#include "common/authorization.h"
#include "common/roster.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { CREDENTIALS_MAX = 1024, MAC_SIZE = 32, CACHE_MAX = 65536 };

struct known {
    unsigned char mac[MAC_SIZE];
    int64_t until; /* 0: nobody */
};

struct basic {
    struct roster users;
    unsigned char key[MAC_SIZE];
    size_t known_count; /* 0: nothing is remembered */
    int64_t known_ms;
    bool is_refused; /* whose MAC is in 'refused', early: he is refused once more, and that without comparing */
    unsigned char refused[MAC_SIZE];
    struct crypt_data crypt; /* 32 KB: not for the stack */
    struct known known[];
};

/* Ways to write a password that are safe against guessing, and how long what they make is behind the last '$'. */
static const struct method {
    const char *prefix;
    size_t length;
} methods[] = {{"$2y$", 53}, {"$2b$", 53}, {"$2a$", 53}, {"$y$", 43}, {"$gy$", 43}, {"$7$", 43}, {"$6$", 86}, {"$5$", 43}};

static const char *check_user(const char *name, const char *hash)
{
    (void)name;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strncmp(hash, methods[i].prefix, strlen(methods[i].prefix)) != 0)
            continue;
        int verdict = crypt_checksalt(hash); /* SHA-2 is legacy to it */

        if (strlen(strrchr(hash, '$') + 1) != methods[i].length || (verdict != CRYPT_SALT_OK && verdict != CRYPT_SALT_METHOD_LEGACY))
            return "the password's hash is cut off, or not what crypt() makes";
        return NULL;
    }
    return "the password is not written by bcrypt, yescrypt or SHA-2, which are safe: write it with `htpasswd -B` or `mkpasswd`";
}

static int load(tine_app *app)
{
    int64_t count = tine_setting_number(app, "cache");
    char reason[ROSTER_REASON_MAX];
    struct basic *basic;

    if (authorization_check(app) != 0)
        return -1;
    if (count < 0 || count > CACHE_MAX)
        return tine_reject(app, "cache", "must be 0 to %d", CACHE_MAX);
    basic = calloc(1, sizeof *basic + (size_t)count * sizeof basic->known[0]);
    if (basic == NULL || RAND_bytes(basic->key, MAC_SIZE) != 1) {
        free(basic);
        return tine_reject(app, NULL, "no memory, or no random bytes");
    }
    basic->known_count = (size_t)count;
    basic->known_ms = tine_setting_number(app, "cache_time");
    tine_set_data(app, basic);
    if (roster_open(&basic->users, tine_setting(app, "file"), check_user, reason) != 0)
        return tine_reject(app, "file", "%s", reason);
    return 0;
}

static void worker_exit(tine_app *app)
{
    struct basic *basic = tine_data(app);

    roster_close(&basic->users);
    OPENSSL_cleanse(basic, sizeof *basic);
    free(basic);
    tine_set_data(app, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void authenticate_code(const struct basic *basic, const char *data, size_t length, unsigned char mac[MAC_SIZE])
{
    unsigned size = MAC_SIZE;

    if (HMAC(EVP_sha256(), basic->key, MAC_SIZE, (const unsigned char *)data, length, mac, &size) == NULL)
        abort(); /* no memory: nobody may be let in by what it left */
}

static struct known *place_of(struct basic *basic, const unsigned char mac[MAC_SIZE])
{
    uint32_t number;

    memcpy(&number, mac, sizeof number);
    return basic->known_count > 0 ? &basic->known[number % basic->known_count] : NULL;
}

/* Does crypt() make the hash of the password again? Takes as long for any name. */
static bool is_password(struct basic *basic, const char *name, const char *password)
{
    const struct roster_entry *user = roster_find(&basic->users, name);
    unsigned char mac[MAC_SIZE];
    uint32_t number;
    const char *hash, *made;

    if (basic->users.count == 0)
        return false;
    authenticate_code(basic, name, strlen(name), mac);
    memcpy(&number, mac, sizeof number);
    hash = (user != NULL ? user : &basic->users.entries[number % basic->users.count])->value;
    made = crypt_rn(password, hash, &basic->crypt, sizeof basic->crypt);
    bool same = made != NULL && strlen(made) == strlen(hash) && CRYPTO_memcmp(made, hash, strlen(hash)) == 0;
    OPENSSL_cleanse(&basic->crypt, sizeof basic->crypt);
    return same & (user != NULL);
}

/* He who was refused early, for whom `before` is called right after that? */
static bool was_refused(struct basic *basic, const unsigned char mac[MAC_SIZE])
{
    bool was = basic->is_refused && CRYPTO_memcmp(basic->refused, mac, MAC_SIZE) == 0;

    basic->is_refused = false;
    return was;
}

/* `text` is "name:password", of that length; its colon is overwritten. */
static bool is_right(struct basic *basic, char *text, size_t length, bool early)
{
    unsigned char mac[MAC_SIZE];
    struct known *known;
    char *colon = strchr(text, ':');
    int64_t now = now_ms();

    if (roster_refresh(&basic->users)) {
        memset(basic->known, 0, basic->known_count * sizeof basic->known[0]);
        basic->is_refused = false;
    }
    if (colon == NULL || colon == text)
        return false;
    authenticate_code(basic, text, length, mac);
    *colon = '\0';
    known = place_of(basic, mac);
    if (known != NULL && known->until > now && CRYPTO_memcmp(known->mac, mac, MAC_SIZE) == 0)
        return true;
    if (was_refused(basic, mac))
        return false;
    if (!is_password(basic, text, colon + 1)) {
        memcpy(basic->refused, mac, MAC_SIZE);
        basic->is_refused = early;
        return false;
    }
    if (known != NULL) {
        memcpy(known->mac, mac, MAC_SIZE);
        known->until = now + basic->known_ms;
    }
    return true;
}

/* Length of the text that the base64 makes, or -1: it is none, too long, or has a NUL. */
static int decode(const char *credentials, char text[CREDENTIALS_MAX + 1])
{
    size_t length = strlen(credentials);
    int size;

    if (length == 0 || length % 4 != 0 || length > CREDENTIALS_MAX / 3 * 4)
        return -1;
    size = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)credentials, (int)length);
    if (size < 0)
        return -1;
    size -= (credentials[length - 1] == '=') + (credentials[length - 2] == '=');
    text[size] = '\0';
    return (int)strlen(text) == size ? size : -1;
}

static int check(tine_request *r, tine_app *self, bool is_early)
{
    const char *credentials = authorization_credentials(r, "Basic"), *user = NULL;
    char text[CREDENTIALS_MAX + 1];
    int length;

    if (credentials == NULL && tine_setting_number(self, "optional"))
        return 0;
    length = credentials != NULL ? decode(credentials, text) : -1;
    if (length > 0 && is_right(tine_data(self), text, (size_t)length, is_early))
        user = tine_printf(r, "%s", text);
    OPENSSL_cleanse(text, sizeof text);
    if (user != NULL)
        return tine_set_attribute(r, "user", (char *)user) == 0 ? 0 : 500;
    return authorization_challenge(r, self, "Basic", ", charset=\"UTF-8\"", "a name and a password are needed");
}

static int before(tine_request *r, tine_app *self)
{
    return check(r, self, false);
}

static int early(tine_request *r, tine_app *self)
{
    return check(r, self, true);
}

static const tine_filter basic_auth = TINE_FILTER("basic_auth", .before = before, .early = early);

TINE_MODULE(.filters = TINE_FILTERS(&basic_auth),
            .settings =
                (const tine_option[]){
                    {"file", TINE_PATH, NULL, "names and passwords, as `htpasswd -B` writes them; read again when it changes"},
                    AUTHORIZATION_SETTINGS,
                    {"cache", TINE_INTEGER, "1024",
                     "how many right passwords each worker remembers, so that not each request costs what comparing does"},
                    {"cache_time", TINE_TIME, "5m", "and for how long"},
                    {0},
                },
            .load = load, .worker_exit = worker_exit)

/* SPDX-License-Identifier: Apache-2.0
 *
 * Includes: kainjow/mustache.hpp
 *
 * template: a filter by which handlers answer with pages made of Mustache templates. Runs in a worker.
 *
 *     [filter:pages]
 *     module = template
 *     folder = templates
 *
 *     int (*render)(tine_request *, int status, const char *name, json_t *values) =
 *         (int (*)(tine_request *, int, const char *, json_t *))tine_attribute(r, "template");
 *     return render(r, 200, "people", json_pack("{s:s}", "name", name));
 *
 * Values are escaped; a template that would put one in as it is is refused unless `raw = on`. Partials are put in when a template is
 * read, so that what a value says can never become a template: nothing is parsed while a page is made. No exception leaves this file.
 */
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <tine.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

#include <kainjow/mustache.hpp>

namespace {

namespace km = kainjow::mustache;

enum {
    NAME_MAX_BYTES = 128,
    TEMPLATE_MAX = 1 << 20, /* of one with its partials */
    PAGE_MAX = 16 << 20,
    PARTIALS_DEEP = 16,
    VALUES_DEEP = 64,
    KEPT_MAX = 256, /* names may come from clients */
    LOOK_AGAIN_MS = 1000
};

const char attribute[] = "template", folder_attribute[] = "template.folder";

/* Why there is no page: for the log. */
struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/* One file of those that a template was made of, as it was. */
struct source {
    std::string path;
    bool there;
    struct stat status;
};

struct page {
    std::unique_ptr<km::mustache> mustache; /* NULL: */
    std::string wrong;                      /* what is wrong with it */
    std::vector<source> sources;
    int64_t looked_ms;
};

/* What a [filter:NAME] keeps. */
struct folder {
    std::string path, extension, type;
    bool raw;
    std::unordered_map<std::string, page> pages;
};

int64_t now_ms()
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

/* ---- reading templates ---- */

/* It stays below the folder. */
bool is_name(const std::string &name)
{
    static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";

    return !name.empty() && name.size() <= NAME_MAX_BYTES && name.find_first_not_of(bytes) == std::string::npos && name.front() != '/' &&
           name.front() != '.' && name.back() != '/' && name.find("/.") == std::string::npos && name.find("//") == std::string::npos;
}

bool is_same(const source &source)
{
    struct stat now;

    if (stat(source.path.c_str(), &now) < 0)
        return !source.there;
    return source.there && now.st_ino == source.status.st_ino && now.st_dev == source.status.st_dev &&
           now.st_size == source.status.st_size && now.st_mtim.tv_sec == source.status.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == source.status.st_mtim.tv_nsec;
}

[[noreturn]] void fail_to_read(const std::string &path)
{
    throw failure(path + ": " + strerror(errno));
}

std::string read_file(const std::string &path, std::vector<source> &sources)
{
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct closer {
        int fd;
        ~closer() { if (fd >= 0) close(fd); }
    } closer{fd};

    sources.push_back({path, fd >= 0, {}});
    struct stat &status = sources.back().status;
    if (fd < 0 || fstat(fd, &status) < 0)
        fail_to_read(path);
    if (!S_ISREG(status.st_mode))
        throw failure(path + ": it is no file");
    if (status.st_size > TEMPLATE_MAX)
        throw failure(path + ": it is larger than 1m");
    std::string text(static_cast<size_t>(status.st_size), '\0');
    for (size_t at = 0; at < text.size();) {
        ssize_t length = read(fd, &text[at], text.size() - at);
        if (length < 0)
            fail_to_read(path);
        if (length == 0)
            text.resize(at);
        at += static_cast<size_t>(length);
    }
    return text;
}

std::string place(const std::string &path, const std::string &text, size_t position)
{
    size_t line = 1, start = 0;

    for (size_t at = 0; at < position && at < text.size(); at++) {
        if (text[at] == '\n') {
            line++;
            start = at + 1;
        }
    }
    return path + ":" + std::to_string(line) + ":" + std::to_string(position - start + 1);
}

/* The library says "Unclosed section "name" at 17". */
[[noreturn]] void fail_to_parse(const std::string &path, const std::string &text, const std::string &message)
{
    size_t at = message.rfind(" at ");
    std::string what = message.substr(0, at);

    if (at == std::string::npos || message.find_first_not_of("0123456789", at + 4) != std::string::npos)
        throw failure(path + ": " + message);
    what[0] = static_cast<char>(tolower(what[0]));
    throw failure(place(path, text, std::stoul(message.substr(at + 4))) + ": " + what);
}

/* A partial and where its tag stands. */
struct inclusion {
    size_t position;
    std::string name;
};

/* Is it a template, and one that is allowed? Which partials has it? */
std::vector<inclusion> look_through(const folder &folder, const std::string &path, const std::string &text)
{
    using component = km::component<std::string>;
    km::context<std::string> context;
    km::context_internal<std::string> internal{context};
    component root;
    std::string message;
    std::vector<inclusion> found;
    size_t delimiters = std::string::npos;

    km::parser<std::string> parser{text, internal, root, message};
    if (!message.empty())
        fail_to_parse(path, text, message);
    root.walk_children([&](component &tag) {
        if (tag.tag.type == km::tag_type::unescaped_variable && !folder.raw)
            throw failure(place(path, text, tag.position) + ": {{{" + tag.tag.name + "}}} is put in unescaped, which takes raw = on");
        if (tag.tag.type == km::tag_type::set_delimiter)
            delimiters = tag.position;
        if (tag.tag.type == km::tag_type::partial)
            found.push_back({tag.position, tag.tag.name});
        return component::walk_control::walk;
    });
    if (delimiters != std::string::npos)
        throw failure(place(path, text, delimiters) + ": delimiters cannot be changed here");
    return found;
}

/* The template with its partials in it. Each file of it is one by itself. */
std::string expand(const folder &folder, const std::string &name, std::vector<source> &sources, size_t depth)
{
    std::string path = folder.path + "/" + name + folder.extension, text = read_file(path, sources), whole;
    size_t end = 0;

    for (const inclusion &partial : look_through(folder, path, text)) {
        std::string where = place(path, text, partial.position);
        if (!is_name(partial.name))
            throw failure(where + ": '" + partial.name + "' is no name of a template");
        if (depth == PARTIALS_DEEP)
            throw failure(where + ": partials are more than 16 deep, does one have itself in it?");
        whole.append(text, end, partial.position - end);
        whole += expand(folder, partial.name, sources, depth + 1);
        end = text.find("}}", partial.position) + 2;
        if (whole.size() > TEMPLATE_MAX)
            throw failure(where + ": it is larger than 1m with its partials");
    }
    return whole.append(text, end);
}

/* As tine_escape_html(), and what ends an attribute without quotes. */
std::string escape(const std::string &text)
{
    std::string escaped;

    escaped.reserve(text.size() + text.size() / 8);
    for (char byte : text) {
        switch (byte) {
        case '&': escaped += "&amp;"; break;
        case '<': escaped += "&lt;"; break;
        case '>': escaped += "&gt;"; break;
        case '"': escaped += "&quot;"; break;
        case '\'': escaped += "&#39;"; break;
        case '`': escaped += "&#96;"; break;
        case '=': escaped += "&#61;"; break;
        case '\t':
        case '\n':
        case '\r': escaped += byte; break;
        default:
            if ((byte >= 0 && byte < ' ') || byte == 0x7f)
                escaped += "\xef\xbf\xbd";
            else
                escaped += byte;
        }
    }
    return escaped;
}

page load_page(const folder &folder, const std::string &name)
{
    page page{nullptr, "", {}, now_ms()};

    try {
        page.mustache = std::make_unique<km::mustache>(expand(folder, name, page.sources, 0));
        page.mustache->set_custom_escape(escape);
    } catch (const failure &failure) {
        page.wrong = failure.what();
    }
    return page;
}

bool is_current(page &page)
{
    int64_t now = now_ms();

    if (now - page.looked_ms < LOOK_AGAIN_MS)
        return true;
    page.looked_ms = now;
    for (const source &source : page.sources) {
        if (!is_same(source))
            return false;
    }
    return true;
}

page &find_page(folder &folder, const std::string &name)
{
    auto found = folder.pages.find(name);

    if (found != folder.pages.end() && is_current(found->second))
        return found->second;
    if (found == folder.pages.end() && folder.pages.size() >= KEPT_MAX)
        folder.pages.clear();
    return folder.pages[name] = load_page(folder, name);
}

/* ---- making pages ---- */

km::data to_data(const json_t *value, size_t depth);

km::data to_object(const json_t *value, size_t depth)
{
    km::data data{km::data::type::object};
    const char *key;
    json_t *member;

    json_object_foreach(const_cast<json_t *>(value), key, member)
        data[key] = to_data(member, depth + 1);
    return data;
}

km::data to_list(const json_t *value, size_t depth)
{
    km::data data{km::data::type::list};
    km::list &list = const_cast<km::list &>(data.list_value()); /* else all that is in it is copied, at each level again */
    size_t i;
    json_t *member;

    list.reserve(json_array_size(value));
    json_array_foreach(value, i, member)
        list.push_back(to_data(member, depth + 1));
    return data;
}

/* null, false, "" and [] are false; what is true can be shown. */
km::data to_data(const json_t *value, size_t depth)
{
    char number[32];

    if (depth > VALUES_DEEP)
        throw failure("its values are more than 64 deep");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return to_object(value, depth);
    case JSON_ARRAY:
        return to_list(value, depth);
    case JSON_STRING:
        if (json_string_length(value) == 0)
            return km::data{false};
        return km::data{std::string(json_string_value(value), json_string_length(value))};
    case JSON_INTEGER:
        return km::data{std::to_string(json_integer_value(value))};
    case JSON_REAL:
        snprintf(number, sizeof number, "%.15g", json_real_value(value));
        return km::data{std::string(number)};
    case JSON_TRUE:
        return km::data{std::string("true")};
    default:
        return km::data{false};
    }
}

std::string make(folder &folder, const char *name, const json_t *values)
{
    std::string text;

    if (name == nullptr || !is_name(name))
        throw failure(std::string("'") + (name != nullptr ? name : "") + "' is no name of a template");
    if (values == nullptr)
        throw failure(std::string(name) + ": its values are NULL: did json_pack() fail, of a text that is not UTF-8 perhaps?");
    page &page = find_page(folder, name);
    if (page.mustache == nullptr)
        throw failure(page.wrong);
    page.mustache->render(to_data(values, 0), [&](const std::string &piece) {
        if (text.size() + piece.size() > PAGE_MAX)
            throw failure(std::string(name) + ": the page is larger than 16m");
        text += piece;
    });
    return text;
}

/* What handlers call, by the attribute. */
int render(tine_request *r, int status, const char *name, json_t *values)
{
    folder &folder = *static_cast<struct folder *>(tine_attribute(r, folder_attribute));
    std::unique_ptr<json_t, void (*)(json_t *)> reference(values, json_decref);

    try {
        std::string text = make(folder, name, values);
        return tine_send(r, status, folder.type.c_str(), text.data(), text.size());
    } catch (const std::exception &exception) {
        tine_log(r, TINE_ERROR, "template: %s", exception.what());
    }
    return tine_problem(r, 500, "the page could not be made");
}

int before(tine_request *r, tine_app *self)
{
    tine_set_attribute(r, folder_attribute, tine_data(self));
    tine_set_attribute(r, attribute, reinterpret_cast<void *>(render));
    return 0;
}

/* ---- the module ---- */

int load(tine_app *app)
{
    const char *extension = tine_setting(app, "extension");

    if (strchr(extension, '/') != nullptr || (extension[0] != '\0' && extension[0] != '.'))
        return tine_reject(app, "extension", "must begin with a dot and have no slash, not '%s'", extension);
    if (strchr(tine_setting(app, "type"), '/') == nullptr)
        return tine_reject(app, "type", "must be a media type, as text/html; charset=utf-8");
    return 0;
}

int worker_init(tine_app *app)
{
    const char *path = tine_setting(app, "folder");
    struct stat status;

    if (stat(path, &status) < 0)
        return tine_reject(app, "folder", "%s: %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return tine_reject(app, "folder", "%s is no folder", path);
    try {
        tine_set_data(app, new folder{path, tine_setting(app, "extension"), tine_setting(app, "type"), tine_setting_number(app, "raw") != 0,
                                      {}});
    } catch (const std::exception &exception) {
        return tine_reject(app, nullptr, "%s", exception.what());
    }
    return 0;
}

void worker_exit(tine_app *app)
{
    delete static_cast<folder *>(tine_data(app));
}

const tine_filter filter = TINE_FILTER("template", .before = before, .early = before);

const tine_option settings[] = {
    {"folder", TINE_PATH, nullptr, "where the templates are"},
    {"extension", TINE_TEXT, ".html", "of their files; handlers and partials name them without"},
    {"type", TINE_TEXT, "text/html; charset=utf-8", "media type of the pages"},
    {"raw", TINE_SWITCH, "off", "on: templates may put values in unescaped, with {{{name}}} or {{&name}}"},
    {},
};

} // namespace

TINE_MODULE(.settings = settings, .load = load, .worker_init = worker_init, .worker_exit = worker_exit, .filters = TINE_FILTERS(&filter))

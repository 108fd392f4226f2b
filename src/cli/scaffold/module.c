/* @NAME@: a JSON API. `tine run` builds it again and serves it on each save. */
#include <tine.h>

/* curl localhost:8000/hello/Ada */
static int hello(tine_request *r)
{
    return tine_json_pack(r, 200, "{s:s}", "hello", tine_param(r, "name"));
}

/* curl localhost:8000/people --json '{"name": "Ada", "age": 36}'; the age may be left out */
static int create(tine_request *r)
{
    const char *name;
    int age = 0;
    if (tine_json_body(r, "{s:s, s?i}", "name", &name, "age", &age))
        return tine_failed(r); /* the client is told what is wrong with its JSON, and where */
    if (age < 0 || age > 150)
        return tine_problem(r, 422, "/age: from 0 to 150, not %d", age);
    return tine_json_pack(r, 201, "{s:s, s:i}", "name", name, "age", age);
}

TINE_MODULE(.routes = (const tine_route[]){
    TINE_GET("/hello/{name}", hello),
    TINE_POST("/people", create),
    {0}})

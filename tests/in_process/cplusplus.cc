// SPDX-License-Identifier: Apache-2.0
//
// tine_test.h from C++.
#include <tine_test.h>

#include <criterion/criterion.h>
#include <memory>
#include <string>

Test(test_cplusplus, tests_a_module)
{
    const char *build = getenv("BUILD");
    const std::string path = std::string(build != nullptr ? build : "build") + "/hello.so";
    std::unique_ptr<tine_test, decltype(&tine_test_close)> t(tine_test_open(path.c_str(), nullptr), tine_test_close);
    cr_assert(t != nullptr);
    const tine_answer *a = tine_test_get(t.get(), "/hello/ada");
    cr_assert(tine_answer_status(a) == 200);
    cr_assert(std::string(tine_answer_body(a, nullptr)) == "{\"hello\":\"ada\"}");
}

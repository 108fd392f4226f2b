-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends, from the environment: COMPARE_METHOD, COMPARE_BODY (JSON, if any), and COMPARE_IDS: paths have an id from 1 to that number
-- appended, in turn; @ in the body becomes a text that no other request has. COMPARE_TOKEN, if any, is who asks. What it saw is told as one line of JSON.

local method = os.getenv("COMPARE_METHOD")
local body = os.getenv("COMPARE_BODY")
local ids = tonumber(os.getenv("COMPARE_IDS") or "0")
local token = os.getenv("COMPARE_TOKEN") or ""
local requests, at = {}, 0
local fields, mark = {}, nil

function init()
    if token ~= "" then
        fields["Authorization"] = "Token " .. token
    end
    math.randomseed(os.time())
    if body and body:find("@") then
        mark = os.time() .. "-" .. math.random(1000000)
    end
    if body then
        fields["Content-Type"] = "application/json"
    end
    for id = 1, math.max(ids, 1) do
        requests[id] = wrk.format(method, ids > 0 and wrk.path .. id or wrk.path, fields, body)
    end
end

function request()
    if mark then
        at = at + 1
        return wrk.format(method, wrk.path, fields, (body:gsub("@", mark .. "-" .. at)))
    end
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\nBENCH {"seconds": %.6f, "requests": %d, "bytes": %.0f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
        '"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
        summary.duration / 1e6, summary.requests, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        latency.max / 1e3, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
